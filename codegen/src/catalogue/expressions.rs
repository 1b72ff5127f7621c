//! EL02xx: expressions.

super::codes! {}
