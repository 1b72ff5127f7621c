//! Imports: which names of the runtime a module uses, and under which name.
//!
//! Quoted code writes names from outside with two underscores in front (`__Decimal`, `__add`). No name
//! of an ontology can look like that, since Rust names never have two underscores in a row or one in
//! front. [`Imports::resolve`] puts the short name in its place and notes the import; where a type of
//! the ontology has the short name, the import gets another.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

/// Prefix of names from the module `types`: `__types_Line`.
const TYPES: &str = "types_";

/// Parameters of generated types and functions: `__B` is `B`, or stays as it is where a type of the
/// ontology has that name.
const PARAMETERS: &[&str] = &["B", "D", "H", "K", "P", "S", "V"];

/// Names that need no import, and where they are found if a type of the ontology hides them.
const PRELUDE: &[(&str, &str)] = &[
    ("FnMut", "std::ops"),
    ("Send", "std::marker"),
    ("Sized", "std::marker"),
    ("Sync", "std::marker"),
];

/// Where the names that generated code uses are found, by module.
const PLACES: &[(&str, &[&str])] = &[
    ("std", &["fmt"]),
    ("std::collections", &["BTreeMap", "BTreeSet"]),
    ("std::error", &["Error"]),
    ("std::future", &["Future"]),
    ("std::marker", &["PhantomData"]),
    (
        "eventloom_runtime",
        &[
            "Aggregate",
            "ApplyError",
            "Bytes",
            "Command",
            "CommandContext",
            "Date",
            "Decide",
            "Decimal",
            "DomainEvent",
            "Duration",
            "EventShape",
            "Halt",
            "MemoryStore",
            "Metadata",
            "Projection",
            "Refusal",
            "OneStream",
            "Repository",
            "SnapshotStrategy",
            "Step",
            "StreamId",
            "Target",
            "Timestamp",
            "UniqueKey",
            "Uuid",
            "codec",
            "dec",
            "pattern",
        ],
    ),
    ("eventloom_runtime::aggregate", &["Retention", "revised"]),
    (
        "eventloom_runtime::codec",
        &[
            "DecodeError",
            "DeserializeOwned",
            "FieldError",
            "Fields",
            "Label",
            "Record",
            "Serialize",
            "Writer",
            "check",
            "decode",
            "decode_custom",
            "encode",
            "encode_custom",
            "key_text",
            "optional",
            "required",
        ],
    ),
    ("eventloom_runtime::command", &["Emit"]),
    ("eventloom_runtime::repository", &["NewEvents"]),
    (
        "eventloom_runtime::eval",
        &[
            "EvalError",
            "Rounding",
            "abs",
            "add",
            "clamp",
            "counted",
            "days",
            "distinct",
            "distinct_records",
            "div",
            "divide",
            "entries_by",
            "extended",
            "grouped_by",
            "hours",
            "item",
            "joined",
            "kept_entries",
            "keys",
            "length",
            "mapped_values",
            "minutes",
            "multiply",
            "negate",
            "or_none",
            "pushed",
            "remainder",
            "remaining",
            "replaced_where",
            "round",
            "seconds",
            "shared",
            "sorted_by",
            "sorted_by_desc",
            "subtract",
            "summed",
            "to_integer",
            "try_all",
            "try_any",
            "try_entries_by",
            "try_filtered",
            "try_find",
            "try_grouped_by",
            "try_kept_entries",
            "try_mapped_values",
            "try_max_by",
            "try_min_by",
            "try_position",
            "try_replaced_where",
            "try_sorted_by",
            "try_sorted_by_desc",
            "try_summed",
            "try_upserted_by",
            "try_without_first",
            "united",
            "upserted_by",
            "values",
            "with_entry",
            "with_member",
            "without_entry",
            "without_first",
            "without_member",
        ],
    ),
    (
        "eventloom_runtime::projection",
        &[
            "Column",
            "ColumnType",
            "ColumnValue",
            "Comparison",
            "Condition",
            "Consistency",
            "CustomRow",
            "Figure",
            "FigureOrder",
            "Figures",
            "MemoryReadDatabase",
            "Operand",
            "Order",
            "ProjectionError",
            "Projector",
            "ProjectorError",
            "Query",
            "ReadDatabase",
            "ReadModel",
            "ReadModelError",
            "Rows",
            "Summary",
            "TextTest",
            "Value",
            "Values",
            "fold_custom",
            "number_of_rows",
            "visit_one",
        ],
    ),
    ("eventloom_runtime::values", &["RangeError", "date", "rule"]),
];

/// The imports of one module.
pub(crate) struct Imports {
    /// Types that the module defines itself.
    own_types: BTreeSet<String>,
    /// Types of the module `types`.
    shared_types: BTreeSet<String>,
    /// Path of the module that holds `types`.
    parent: String,
    /// Path of the module → imported name → name under which it is used.
    used: BTreeMap<String, BTreeMap<String, String>>,
}

impl Imports {
    /// The imports of a module that defines these types, beside a module `types` with those.
    pub(crate) fn new(own_types: BTreeSet<String>, shared_types: BTreeSet<String>) -> Self {
        Self { own_types, shared_types, parent: "super".to_owned(), used: BTreeMap::new() }
    }

    /// The imports of an example outside the generated file, which is included in the module `parent`.
    pub(crate) fn of_example(own_types: BTreeSet<String>, parent: &str) -> Self {
        Self { parent: parent.to_owned(), ..Self::new(own_types, BTreeSet::new()) }
    }

    /// The same below another module that holds `types`.
    pub(crate) fn within(self, parent: &str) -> Self {
        Self { parent: parent.to_owned(), ..self }
    }

    /// Imports a name under itself.
    pub(crate) fn add(&mut self, place: &str, name: &str) {
        self.used.entry(place.to_owned()).or_default().insert(name.to_owned(), name.to_owned());
    }

    /// Replaces the names from outside by names that are imported.
    pub(crate) fn resolve(&mut self, tokens: TokenStream) -> TokenStream {
        tokens.into_iter().map(|token| self.resolve_token(token)).collect()
    }

    fn resolve_token(&mut self, token: TokenTree) -> TokenTree {
        match token {
            TokenTree::Ident(ident) => TokenTree::Ident(self.resolve_ident(ident)),
            TokenTree::Group(group) => {
                TokenTree::Group(Group::new(group.delimiter(), self.resolve(group.stream())))
            }
            other => other,
        }
    }

    fn resolve_ident(&mut self, ident: Ident) -> Ident {
        let text = ident.to_string();
        match text.strip_prefix("__") {
            Some(outside) => Ident::new(&self.import(outside), ident.span()),
            None => ident,
        }
    }

    fn import(&mut self, outside: &str) -> String {
        let shared = outside.strip_prefix(TYPES);
        let hidden = self.own_types.contains(outside) || self.shared_types.contains(outside);
        if PARAMETERS.contains(&outside) {
            return if hidden { format!("__{outside}") } else { outside.to_owned() };
        }
        let prelude = PRELUDE.iter().find(|(name, _)| *name == outside);
        if prelude.is_some() && !hidden {
            return outside.to_owned();
        }
        let (place, name, prefix) = match shared {
            Some(name) => (format!("{}::types", self.parent), name, "Shared"),
            None => (place_of(outside).to_owned(), outside, "Runtime"),
        };
        let mut used_as = name.to_owned();
        while self.own_types.contains(&used_as)
            || (shared.is_none() && self.shared_types.contains(&used_as))
        {
            used_as.insert_str(0, prefix);
        }
        self.used.entry(place).or_default().insert(name.to_owned(), used_as.clone());
        used_as
    }

    /// The `use` lines: the standard library's, the runtime's, then those of `types`.
    pub(crate) fn lines(&self) -> String {
        let mut groups = [Vec::new(), Vec::new(), Vec::new()];
        for (place, names) in &self.used {
            let names: Vec<String> =
                names.iter().map(|(name, used_as)| renamed(name, used_as)).collect();
            let group = match place.split("::").next() {
                Some("std") => 0,
                Some("super") => 2,
                _ => 1,
            };
            groups[group].push(use_line(place, &names));
        }
        groups.iter_mut().for_each(|group| group.sort());
        let groups = groups.iter().filter(|group| !group.is_empty());
        groups.map(|group| group.concat()).collect::<Vec<_>>().join("\n")
    }
}

fn place_of(name: &str) -> &'static str {
    let prelude = PRELUDE.iter().find(|(listed, _)| *listed == name).map(|(_, place)| *place);
    let place = PLACES.iter().find(|(_, names)| names.contains(&name)).map(|(place, _)| *place);
    prelude.or(place).unwrap_or_else(|| unreachable!("`{name}` stands in no import table"))
}

fn renamed(name: &str, used_as: &str) -> String {
    if name == used_as { name.to_owned() } else { format!("{name} as {used_as}") }
}

/// `use place::{a, b};`, in several lines where one is too narrow.
fn use_line(place: &str, names: &[String]) -> String {
    let one_line = match names {
        [name] => format!("use {place}::{name};\n"),
        names => format!("use {place}::{{{}}};\n", names.join(", ")),
    };
    if one_line.len() <= 96 {
        return one_line;
    }
    let mut text = format!("use {place}::{{\n   ");
    let mut width = 3;
    for name in names {
        if width + name.len() + 2 > 95 {
            text.push_str("\n   ");
            width = 3;
        }
        text.push_str(&format!(" {name},"));
        width += name.len() + 2;
    }
    text + "\n};\n"
}

#[cfg(test)]
mod tests {
    use super::PLACES;
    use crate::emit::names::local_ident;

    /// A `let` of the name of a function that was imported hid it, so that the next call was none.
    #[test]
    fn no_local_has_the_name_of_a_function() {
        // Modules and macros are no values, which a local hides.
        const NO_FUNCTIONS: &[&str] = &["check", "codec", "dec", "fmt", "pattern", "rule"];
        let names = PLACES.iter().flat_map(|(_, names)| *names);
        let functions: Vec<&str> =
            names.copied().filter(|name| name.starts_with(char::is_lowercase)).collect();
        let functions =
            functions.into_iter().filter(|name| !NO_FUNCTIONS.contains(name)).collect::<Vec<_>>();
        assert!(functions.len() > 50, "{functions:?}");
        let hidden: Vec<&str> =
            functions.into_iter().filter(|name| local_ident(name) == name).collect();
        assert_eq!(hidden, [""; 0]);
    }
}
