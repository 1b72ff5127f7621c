//! EL08xx: the event store section.

super::codes! {
    NO_PARTITION_KEY = "EL0801" {
        what: "The aggregate does not say what names its streams.",
        why: "Every command and event belongs to one stream, found by this id.",
        example: "eventStore:\n  snapshotStrategy: never",
        fix: "Add `partitionKey:` with the name of the id, for example `accountId`, or `none` for one stream.",
    }
    SNAPSHOTS = "EL0803" {
        what: "A snapshot strategy cannot be read.",
        why: "It says how many events a load may have to fold.",
        example: "snapshotStrategy: each 100",
        fix: "Write `every 100 events` or `never`.",
    }
    RETENTION = "EL0804" {
        what: "A retention policy cannot be read.",
        why: "It says when events may be archived.",
        example: "retentionPolicy: 7y",
        fix: "Write `7 years`, `6 months`, `90 days` or `forever`.",
    }
}
