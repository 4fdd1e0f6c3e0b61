"""What people say in interviews: sentences by theme, put together by lot."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ASIDES", "ENDINGS", "OPENINGS", "QUESTIONS", "SENTENCES", "THEMES"]

QUESTIONS = (
    "What matters most to you when you shop online?",
    "Think of your last order anywhere. What went well or badly?",
    "What has kept you from ordering with us?",
    "If you could change one thing about our shop, what would it be?",
)

SENTENCES: Mapping[str, tuple[str, ...]] = {
    "price": (
        "I always check what it costs somewhere else first.",
        "For that money I expected more.",
        "I wait for a sale; I hardly ever pay the full amount.",
        "By the time postage was added it was simply too dear.",
        "I have a budget for the month and I stick to it.",
        "The same thing was eight cheaper two clicks away.",
    ),
    "delivery": (
        "It said three days and took more than a week.",
        "I need to know on which day the parcel comes.",
        "The driver left it with a neighbour I do not know.",
        "If it cannot be here by Friday, I go to a store.",
        "Where we live, parcels take forever.",
        "The tracking page said nothing useful.",
    ),
    "quality": (
        "The seam came apart after two washes.",
        "I want things that last for years.",
        "It felt much cheaper than it looked in the pictures.",
        "Honestly, it is solid and well made.",
        "The last two things I bought broke within a month.",
        "Good material is what I pay attention to.",
    ),
    "fit": (
        "I never know which size to take.",
        "I ordered two sizes and sent one back.",
        "The sleeves were far too short.",
        "Your medium is somebody else's small.",
        "It looked nothing like that on me.",
        "The measurements on the page did not help me.",
    ),
    "eco": (
        "I look for things that do not harm the planet.",
        "So much packaging for one small thing.",
        "I would like to know where it was made, and under what conditions.",
        "Recycled material is a plus for me.",
        "I try to buy less, and greener when I do.",
        "A label alone does not convince me; show me how it is produced.",
    ),
    "service": (
        "I wrote twice and nobody answered.",
        "The woman in the chat solved it within minutes.",
        "Sending it back was a pain.",
        "I waited on the phone for half an hour.",
        "When something goes wrong I want a person, not a form.",
        "My money came back only after a month.",
    ),
    "choice": (
        "There was simply not enough to pick from.",
        "I could not find the colour I had in mind.",
        "What I wanted was never on the page.",
        "I like to compare many models side by side.",
        "The filters gave me forty things I did not want.",
        "You carry the same five things as everybody.",
    ),
    "trust": (
        "I did not know whether the shop was real.",
        "I do not like to leave my card number with strangers.",
        "The reviews looked made up to me.",
        "A friend had ordered there, so I dared to.",
        "I had never heard of you before.",
        "There was no address on the page, and that put me off.",
    ),
}
THEMES = tuple(SENTENCES)

OPENINGS = (
    "", "", "Well, ", "Hm, let me think. ", "To be honest: ", "That is easy. ",
    "I would say this: ", "You know, ",
)  # fmt: skip
ASIDES: Mapping[str, str] = {
    "price": "Of course it should not cost too much either.",
    "delivery": "Oh, and it should come on time.",
    "quality": "And it has to be well made, naturally.",
    "fit": "Sizes are another story.",
    "eco": "I do think about the environment as well.",
    "service": "And somebody should answer when I write.",
    "choice": "A bit more to pick from would be nice, too.",
    "trust": "And I have to feel safe with the shop.",
}
ENDINGS = (
    "", "", "That is about it.", "That is what comes to mind.", "My sister says the same.",
    "I cannot think of anything else.", "It happens more often than you would think.",
)  # fmt: skip
