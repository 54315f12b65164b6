//! End-to-end tests with real clients: see `e2e/`. The library itself is empty; cargo wants a target beside the tests.
