//! EL01xx: names and types.

super::codes! {}
