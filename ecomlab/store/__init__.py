"""What a store is: open it, save it, check it, and know what it is ready for."""

from ecomlab.store.store import Manifest, Store, StoreError, open_store, safe_name

__all__ = ["Manifest", "Store", "StoreError", "open_store", "safe_name"]
