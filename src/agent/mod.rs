//! The scoring network, the algorithms that train it, and the frozen policy.
