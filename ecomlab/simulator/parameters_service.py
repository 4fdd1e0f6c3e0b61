"""Parameters of customer service: who writes in, who answers, and what waiting does.

The part is optional in a scenario: without `service` nobody writes in and nothing is booked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from ecomlab.simulator.noise import Array
from ecomlab.simulator.parameters import NonNegative, Part, Positive, Share

__all__ = ["CHANNELS", "Channel", "ChannelName", "Desks", "Service", "ServicePlan"]

ChannelName = Literal["chat", "phone", "email"]
CHANNELS: tuple[ChannelName, ...] = ("chat", "phone", "email")


class Channel(Part):
    """A channel of customer service, with a team of its own.

    What waiting does is counted from ``tolerated_minutes`` on, in steps of ``step_minutes``.
    """

    share: Share  # of contacts about orders
    opens: int = Field(ge=0, le=23)  # local hour
    closes: int = Field(ge=1, le=24)
    patience_minutes: Positive  # mean; exponential
    agents_per_1000_people: NonNegative  # needed in the mean hour, by the status quo
    at_a_time: int = Field(default=1, ge=1, le=8)  # contacts an agent handles
    tolerated_minutes: NonNegative = 3.0  # [R78]
    step_minutes: Positive = 10.0
    keeps_overnight: bool = False  # whether who was not answered today may be tomorrow

    @model_validator(mode="after")
    def _opens_before_it_closes(self) -> Channel:
        if self.opens >= self.closes:
            raise ValueError(f"closes: {self.closes} is not after opens, {self.opens}")
        return self


@dataclass(frozen=True)
class Desks:
    """The channels' parameters as arrays, in their order."""

    edges: Array  # of the shares, summed up
    opens: Array
    closes: Array
    is_open: Array  # channels x 24
    patience: Array  # seconds, mean
    needed: Array  # agents per 1,000 people
    at_a_time: Array
    slowed: Array  # how much longer a contact takes beside others
    steps: Array  # 2 x channels: tolerated minutes, minutes of a step
    overnight: Array


class Service(Part):
    """Contacts, teams, and what an answer does (``simulator.md`` 7.8).

    Effects on satisfaction are those of one contact, before the memory of satisfaction.
    """

    channels: Mapping[ChannelName, Channel] = Field(min_length=1)
    presale_share: Share = 0.031  # of visits that stay (2 % of all), while chat is open [P]
    late_share: Share = 0.35  # of orders that are late: where is my order? [P]
    return_share: Share = 0.25  # of orders with a line sent back [P]
    damage_share: Share = 0.6  # of orders with a line that arrived damaged [P]
    other_share: Share = 0.05  # of orders [P]
    handling_minutes: Positive = 6.0  # mean of one contact alone; lognormal [R80]
    handling_cv: Positive = 1.0
    slowing: Share = 0.7  # that one more contact at a time makes each of them longer [P]
    foreseen_share: Share = 0.64  # of the variance of log handling that the subject line tells
    follows: NonNegative = 0.7  # power of expected traffic in the number of agents planned [P]
    sick_share: Share = 0.06  # of agents, on the mean day; exponential over days and teams [P]
    lift: Positive = Field(default=1.16, ge=1, le=2)  # of the order's chance, if answered [R76]
    hurt: NonNegative = 0.25  # satisfaction, for each step of waiting past what is tolerated
    given_up: NonNegative = 0.60  # satisfaction lost by who left unanswered
    solved: NonNegative = 0.15  # satisfaction gained where the first contact solved it
    solved_share: Share = 0.72  # of contacts of mean difficulty [P]
    solved_spread: NonNegative = 0.15  # lost of it for each standard deviation of difficulty
    scored_share: Share = 0.30  # of contacts that give a score, whoever they are [P]
    score_effect: NonNegative = 2.2  # of satisfaction: 20 % give 1 or 2, 80 % unanswered [R79]
    score_difficulty: NonNegative = 0.6  # lost for each standard deviation of difficulty
    per_agent_hour: NonNegative = 12.0  # currency

    @cached_property
    def desks(self) -> Desks:
        """The channels as arrays."""
        rows = list(self.channels.values())
        hours, at_a_time = np.arange(24), np.array([one.at_a_time for one in rows])
        return Desks(
            edges=np.cumsum([one.share for one in rows])[:-1],
            opens=np.array([one.opens for one in rows]),
            closes=np.array([one.closes for one in rows]),
            is_open=np.array([(one.opens <= hours) & (hours < one.closes) for one in rows]),
            patience=np.array([60 * one.patience_minutes for one in rows]),
            needed=np.array([one.agents_per_1000_people for one in rows]),
            at_a_time=at_a_time,
            slowed=1 + self.slowing * (at_a_time - 1),
            steps=np.array([(one.tolerated_minutes, one.step_minutes) for one in rows]).T,
            overnight=np.array([one.keeps_overnight for one in rows]),
        )

    @model_validator(mode="after")
    def _shares_of_channels_add_up(self) -> Service:
        total = sum(channel.share for channel in self.channels.values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"shares of channels add up to {total:g}, not to 1")
        if self.presale_share and "chat" not in self.channels:
            raise ValueError("questions before an order come by chat: give the channel chat")
        return self


class ServicePlan(Part):
    """What a plan decides about customer service; what is left out stays as it was.

    Parameters
    ----------
    agents
        Channel -> multiple of the usual agents (0 to 20).
    routing
        Who is answered first: ``fifo`` who came first, ``easy_first`` all easy questions,
        ``random`` by lot. By habit some easy ones go first (``traps.response``).
    queue_jump
        Share of contacts, drawn by lot, that go before all others.
    """

    agents: Mapping[ChannelName, Annotated[float, Field(ge=0, le=20)]] = Field(default_factory=dict)
    routing: Literal["fifo", "easy_first", "random"] | None = None
    queue_jump: Annotated[float, Field(ge=0, le=0.5)] | None = None
