//! Identifiers in generated code, on top of [`crate::naming`].

use proc_macro2::Ident;

use crate::naming;

/// Names that generated functions use beside those of the ontology. Snake case names of an ontology
/// never end in an underscore, so a local of one of these names gets one.
pub(super) const RESERVED: &[&str] = &[
    "abs",
    "add",
    "after",
    "before",
    "changed",
    "claim",
    "clamp",
    "command",
    "config",
    "context",
    "counted",
    "created",
    "current",
    "date",
    "days",
    "decode",
    "decode_custom",
    "distinct",
    "distinct_records",
    "div",
    "divide",
    "encode",
    "encode_custom",
    "entries_by",
    "event",
    "extended",
    "f",
    "fields",
    "fold_custom",
    "grouped_by",
    "hours",
    "id",
    "index",
    "item",
    "joined",
    "kept_entries",
    "key",
    "key_text",
    "keys",
    "length",
    "listed",
    "mapped_values",
    "message",
    "meta",
    "minutes",
    "multiply",
    "name",
    "negate",
    "number_of_rows",
    "optional",
    "or_none",
    "out",
    "pushed",
    "refusal",
    "rejected",
    "remainder",
    "remaining",
    "replaced_where",
    "required",
    "revised",
    "round",
    "row",
    "rows",
    "seconds",
    "shared",
    "sorted_by",
    "sorted_by_desc",
    "state",
    "step",
    "stream",
    "subtract",
    "summed",
    "to_integer",
    "united",
    "upserted_by",
    "value",
    "values",
    "visit_one",
    "with_entry",
    "with_member",
    "without_entry",
    "without_first",
    "without_member",
];

/// The identifier of a field or method.
pub(crate) fn field_ident(name: &str) -> Ident {
    naming::ident(&naming::rust_field(name))
}

/// The identifier of a type or variant.
pub(crate) fn type_ident(name: &str) -> Ident {
    naming::ident(&naming::rust_type(name))
}

/// The identifier of a local variable: `before balance`, which [`crate::model::Rule::before_local`] gives,
/// becomes `before_balance`, so the ontology's own `beforeBalance` becomes `before_balance_`.
pub(crate) fn local_ident(name: &str) -> Ident {
    if let Some(method) = name.strip_prefix("before ") {
        return function_ident("before", method);
    }
    let name = naming::rust_field(name);
    let is_reserved = RESERVED.contains(&name.as_str());
    let is_made = ["new_id", "before_", "try_"].iter().any(|start| name.starts_with(start));
    if is_reserved || is_made { naming::ident(&format!("{name}_")) } else { naming::ident(&name) }
}

/// `apply` and `AccountOpened` → `apply_account_opened`
pub(crate) fn function_ident(verb: &str, name: &str) -> Ident {
    naming::ident(&format!("{verb}_{}", naming::snake(name)))
}
