//! EL06xx: projections.

super::codes! {}
