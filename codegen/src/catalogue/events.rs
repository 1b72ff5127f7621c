//! EL03xx: events and their versions.

super::codes! {
    VERSION_SYNTAX = "EL0301" {
        what: "A version is not written as versions are.",
        why: "Versions are counted, so that every step from one to the next can be checked.",
        example: "version: 1.0",
        fix: "Write `v1`, `v2` and so on.",
    }
}
