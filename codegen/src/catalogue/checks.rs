//! Rules about an ontology as a whole, each with a number of the group that it is about.

super::codes! {
    NAMES_MEET = "EL0130" {
        what: "Two names in one place are one name in Rust or SQL.",
        why: "Rust writes `accountId` as `account_id`, and SQL does not see capitals: generated code could not hold both.",
        example: "state: {accountId: string, account_id: string}",
        fix: "Rename one of them.",
    }
    GENERATED_TYPE = "EL0131" {
        what: "Two things of an aggregate become one Rust type.",
        why: "Events, commands, projections, enums that stand in a field's type and what is generated for them share the aggregate's module.",
        example: "aggregateRoot: BankAccount\nevents: {BankAccountState: {…}}",
        fix: "Rename the one that the report points to.",
    }
    GENERATED_FUNCTION = "EL0132" {
        what: "Two things of an aggregate become one Rust function.",
        why: "Folds, decisions and the values that rules ask for share a module or a trait.",
        example: "projections:\n  Order: {source: [LinesAdded]}\n  OrderLines: {source: [Added]}",
        fix: "Rename one of them.",
    }
    STORED_NAME = "EL0320" {
        what: "Two events are stored under one name.",
        why: "What is read from the store could be either.",
        example: "AccountClosed: {storedAs: AccountOpened}",
        fix: "Give one of them another `storedAs`.",
    }
    RENAMED_FROM_ITSELF = "EL0321" {
        what: "An event was renamed from a name that it has anyway, or from one twice.",
        why: "It would say that stored events have another name, and they have not.",
        example: "AccountClosed: {renamedFrom: AccountClosed}",
        fix: "Name what it was called before, or remove the line.",
    }
    SAME_TABLE = "EL0620" {
        what: "Two projections write to one table, or one writes to a table that is taken.",
        why: "Each would overwrite the other's rows.",
        example: "A: {target: read_db.balance}\nB: {target: read_db.balance}",
        fix: "Give each projection a table of its own.",
    }
    SCENARIO_NAMES = "EL0710" {
        what: "The sentences of two scenarios make one name.",
        why: "Each scenario becomes a test, named by the letters and digits of its sentence.",
        example: "scenarios:\n  a deposit: {…}\n  A deposit!: {…}",
        fix: "Say how they differ, in words.",
    }
}
