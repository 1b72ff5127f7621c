//! The types of an ontology: the scalars, what `types:` declares, and enums that stand inline.
//!
//! Inline enums with the same variants in the same order are one type, named after the first place; two
//! types of one name with different meanings are refused.
//! Defaults and zeros of fields are [`super::defaults`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::derived::DerivedValues;
use super::fields::{Field, Fields};
use super::newtypes;
use crate::catalogue::checks::GENERATED_TYPE;
use crate::catalogue::types::{KEY_TYPE, TYPE_FORM, UNKNOWN_TYPE, VARIANTS};
use crate::diagnostic::Diagnostic;
use crate::model::{EnumType, Expression, Newtype, RecordType, Type, TypeDefinition};
use crate::naming;
use crate::source::{Span, Spanned};
use crate::suggest::nearest;
use crate::syntax::{self, TypeExpression, TypeKind};

/// The scalar types by name.
const SCALARS: &[(&str, Type)] = &[
    ("string", Type::String),
    ("integer", Type::Integer),
    ("decimal", Type::Decimal(None)),
    ("boolean", Type::Boolean),
    ("timestamp", Type::Timestamp),
    ("date", Type::Date),
    ("duration", Type::Duration),
    ("uuid", Type::Uuid),
    ("bytes", Type::Bytes),
];

/// What other languages call a type.
const FOREIGN_NAMES: &[(&str, &str)] = &[
    ("bool", "boolean"),
    ("int", "integer"),
    ("i64", "integer"),
    ("i32", "integer"),
    ("u64", "integer"),
    ("long", "integer"),
    ("number", "decimal"),
    ("money", "decimal"),
    ("float", "decimal"),
    ("double", "decimal"),
    ("f64", "decimal"),
    ("datetime", "timestamp"),
    ("time", "timestamp"),
    ("text", "string"),
    ("str", "string"),
    ("guid", "uuid"),
    ("blob", "bytes"),
];

/// What members of sets and keys of maps are.
pub(super) const KEY_TYPES: &str = "texts, integers, enums, UUIDs and dates";

/// Most digits of a decimal.
const MAX_DIGITS: u32 = 28;

/// Where an inline enum stands: it names the type if it is the first.
pub(crate) struct InlinePlace {
    /// The Rust name it would give.
    name: String,
    /// The place in words.
    text: String,
}

impl InlinePlace {
    /// A field of something that has a name.
    pub(crate) fn new(owner: &str, field: &str) -> Self {
        Self {
            name: naming::rust_type(&format!("{owner}_{field}")),
            text: format!("`{field}` of `{owner}`"),
        }
    }
}

/// An enum or record.
#[derive(Clone, Debug)]
enum Definition {
    Enum { variants: Vec<String>, inline_at: Option<String> },
    Record(Fields),
    Newtype(Newtype),
}

/// All types that may be used at some place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    /// Rust names of enums and records, in order of declaration.
    order: Vec<String>,
    definitions: BTreeMap<String, Definition>,
    /// Where each was defined first.
    places: BTreeMap<String, Span>,
    /// Rust names by the ontology's.
    declared: BTreeMap<String, String>,
    /// Declared names whose declaration is wrong, which has been reported.
    broken: BTreeSet<String>,
    /// Constants with their values; none where the value is wrong and has been reported.
    pub(crate) constants: BTreeMap<String, Option<Expression>>,
    /// What a program may set.
    pub(crate) config: Fields,
    /// The derived values of the aggregate.
    pub(crate) derived: Rc<DerivedValues>,
}

impl Types {
    /// Declares the names of `types:`, then resolves their fields, so that order does not matter.
    pub(crate) fn declare(
        types: &syntax::Map<syntax::TypeDeclaration>,
        findings: &mut Vec<Diagnostic>,
    ) -> Self {
        let mut this = Self::default();
        for (name, declaration) in types {
            let rust = naming::rust_type(&name.value);
            let definition = match declaration {
                syntax::TypeDeclaration::Enum(variants) => {
                    check_variants(variants, name.span, findings);
                    let variants = variants.iter().map(|variant| variant.value.clone()).collect();
                    Definition::Enum { variants, inline_at: None }
                }
                syntax::TypeDeclaration::Record(_) => Definition::Record(Fields::default()),
                syntax::TypeDeclaration::Newtype(written) => {
                    let declared = types.iter().map(|(name, _)| name.value.as_str());
                    match this.newtype(name, &rust, written, declared, findings) {
                        Some(newtype) => Definition::Newtype(newtype),
                        None => {
                            this.broken.insert(name.value.clone());
                            continue;
                        }
                    }
                }
            };
            this.declared.insert(name.value.clone(), rust.clone());
            this.define(rust, definition, name.span);
        }
        for (name, declaration) in types {
            if let syntax::TypeDeclaration::Record(fields) = declaration {
                let fields = this.fields(&name.value, fields, findings);
                this.set_record(&name.value, fields);
            }
        }
        this
    }

    fn newtype<'t>(
        &mut self,
        name: &syntax::Text,
        rust: &str,
        written: &syntax::Newtype,
        mut declared: impl Iterator<Item = &'t str>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Newtype> {
        if let TypeKind::Name { name: base, .. } = &written.base.kind
            && declared.any(|declared| declared == base.value)
        {
            findings.push(newtypes::not_a_base(name, written.base.span));
            return None;
        }
        let place = InlinePlace::new("types", &name.value);
        let base = self.resolve(&written.base, &place, findings)?;
        newtypes::declare(name, rust.to_owned(), written, base, findings)
    }

    fn define(&mut self, rust: String, definition: Definition, place: Span) {
        if self.definitions.insert(rust.clone(), definition).is_none() {
            self.places.insert(rust.clone(), place);
            self.order.push(rust);
        }
    }

    /// Replaces the fields of a declared record.
    pub(crate) fn set_record(&mut self, declared: &str, fields: Fields) {
        if let Some(rust) = self.declared.get(declared) {
            self.definitions.insert(rust.clone(), Definition::Record(fields));
        }
    }

    /// The fields of something with this name; defaults are not yet there.
    pub(crate) fn fields(
        &mut self,
        owner: &str,
        fields: &syntax::Map<syntax::Field>,
        findings: &mut Vec<Diagnostic>,
    ) -> Fields {
        let resolve = |(name, field): &(syntax::Text, syntax::Field)| Field {
            name: name.value.clone(),
            field_type: self.resolve(
                &field.field_type,
                &InlinePlace::new(owner, &name.value),
                findings,
            ),
            default: None,
            default_is_written: field.default.is_some(),
            span: name.span,
        };
        Fields(fields.iter().map(resolve).collect())
    }

    /// The type that is written.
    pub(crate) fn resolve(
        &mut self,
        written: &TypeExpression,
        place: &InlinePlace,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Type> {
        match &written.kind {
            TypeKind::Name { name, arguments } => self.named(name, arguments, findings),
            TypeKind::Enum(variants) => self.inline_enum(variants, place, written.span, findings),
            TypeKind::List(element) => {
                Some(Type::List(Box::new(self.resolve(element, place, findings)?)))
            }
            TypeKind::Optional(inner) => match self.resolve(inner, place, findings)? {
                Type::Optional(_) => {
                    let title = "a type is optional twice";
                    let found =
                        Diagnostic::error(&TYPE_FORM, title, written.span, "one `?` too many");
                    findings.push(found.help("write one `?`: there is one way to be absent"));
                    None
                }
                inner => Some(Type::Optional(Box::new(inner))),
            },
            TypeKind::Set(member) => {
                let of = self.key(member, "the member of a set", place, findings)?;
                Some(Type::Set(Box::new(of)))
            }
            TypeKind::Map(key, value) => {
                let key = self.key(key, "the key of a map", place, findings);
                let value = self.resolve(value, place, findings);
                Some(Type::Map(Box::new(key?), Box::new(value?)))
            }
            // `load` has reported it.
            TypeKind::Broken => None,
        }
    }

    /// A type whose values have an order and a text by which they are the same or not.
    fn key(
        &mut self,
        written: &TypeExpression,
        what: &str,
        place: &InlinePlace,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Type> {
        let of = self.resolve(written, place, findings)?;
        if is_key(&of) {
            return Some(of);
        }
        let title = format!("`{}` cannot be {what}", self.show(&of));
        let found = Diagnostic::error(&KEY_TYPE, title, written.span, "not this type");
        findings.push(match of {
            Type::Optional(_) => found.help("remove the `?`: what is absent is not in there"),
            Type::Newtype(..)
            | Type::Decimal(_)
            | Type::Boolean
            | Type::Timestamp
            | Type::Duration
            | Type::Bytes
            | Type::Record(_)
            | Type::List(_)
            | Type::Set(_)
            | Type::Map(..) => found.help(format!(
                "{KEY_TYPES} can be; or use `list<T>`, in which values may come twice"
            )),
            Type::String | Type::Integer | Type::Enum(_) | Type::Uuid | Type::Date => found,
        });
        None
    }

    fn named(
        &self,
        name: &syntax::Text,
        arguments: &[Spanned<u32>],
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Type> {
        if name.value == "decimal" && !arguments.is_empty() {
            return decimal_with_digits(name, arguments, findings);
        }
        if let Some(extra) = arguments.first() {
            let title = format!("`{}` takes no digits", name.value);
            let found = Diagnostic::error(&TYPE_FORM, title, extra.span, "not here");
            findings
                .push(found.help("only `decimal(p,s)` has digits: p in all, s after the point"));
            return None;
        }
        let scalar = SCALARS.iter().find(|(scalar, _)| *scalar == name.value);
        let found = scalar.map(|(_, scalar)| scalar.clone()).or_else(|| self.declared(&name.value));
        if found.is_none() && !self.broken.contains(&name.value) {
            findings.push(self.unknown_type(name));
        }
        found
    }

    /// The type that `types:` declares under this name.
    pub(crate) fn declared(&self, name: &str) -> Option<Type> {
        let rust = self.declared.get(name)?;
        Some(match self.definitions.get(rust)? {
            Definition::Enum { .. } => Type::Enum(rust.clone()),
            Definition::Record(_) => Type::Record(rust.clone()),
            Definition::Newtype(found) => Type::Newtype(rust.clone(), Box::new(found.base.clone())),
        })
    }

    /// The single value with this Rust name.
    pub(crate) fn newtype_of(&self, rust: &str) -> Option<&Newtype> {
        match self.definitions.get(rust) {
            Some(Definition::Newtype(found)) => Some(found),
            _ => None,
        }
    }

    /// The fields of the record that `types:` declares under this name.
    pub(crate) fn declared_record(&self, name: &str) -> Option<&Fields> {
        self.record(self.declared.get(name)?)
    }

    /// The names that `types:` declares.
    pub(crate) fn declared_names(&self) -> impl Iterator<Item = &str> {
        self.declared.keys().map(String::as_str)
    }

    fn unknown_type(&self, name: &syntax::Text) -> Diagnostic {
        let title = format!("there is no type `{}`", name.value);
        let found = Diagnostic::error(&UNKNOWN_TYPE, title, name.span, "unknown type");
        let foreign =
            FOREIGN_NAMES.iter().find(|(foreign, _)| *foreign == name.value.to_lowercase());
        let names = SCALARS.iter().map(|(scalar, _)| *scalar).chain(self.declared_names());
        match foreign.map(|(_, ours)| *ours).or_else(|| nearest(&name.value, names)) {
            Some(meant) => found.help(format!("did you mean `{meant}`?")),
            None => found.help(format!("declare it under `types:`: `{}: {{…}}`", name.value)),
        }
    }

    /// The enum of these variants: the one that was met first, or a new one. None where its name is
    /// that of another type.
    fn inline_enum(
        &mut self,
        written: &[syntax::Text],
        place: &InlinePlace,
        span: Span,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Type> {
        check_variants(written, span, findings);
        let names: Vec<String> = written.iter().map(|variant| variant.value.clone()).collect();
        let same = self.order.iter().find(|rust| match self.definitions.get(*rust) {
            Some(Definition::Enum { variants, inline_at }) => {
                *variants == names && (inline_at.is_some() || **rust == place.name)
            }
            _ => false,
        });
        if let Some(rust) = same {
            return Some(Type::Enum(rust.clone()));
        }
        if let Some(taken) = self.definitions.get(&place.name) {
            findings.push(self.name_taken(place, span, taken));
            return None;
        }
        let inline_at = Some(place.text.clone());
        self.define(place.name.clone(), Definition::Enum { variants: names, inline_at }, span);
        Some(Type::Enum(place.name.clone()))
    }

    fn name_taken(&self, place: &InlinePlace, span: Span, taken: &Definition) -> Diagnostic {
        let name = &place.name;
        let other = match taken {
            Definition::Enum { inline_at: Some(text), .. } => format!("the enum of {text}"),
            _ => format!("the type `{}`", self.show_definition(name)),
        };
        let title = format!("the enum of {} and {other} are one Rust type", place.text);
        let found =
            Diagnostic::error(&GENERATED_TYPE, title, span, format!("would become `{name}`"));
        let first = self.places.get(name).copied().unwrap_or(span);
        found
            .place(first, format!("{other} becomes `{name}` too"))
            .help("declare this enum under `types:` with a name of its own")
    }

    /// The variants of an enum.
    pub(crate) fn variants(&self, rust: &str) -> &[String] {
        match self.definitions.get(rust) {
            Some(Definition::Enum { variants, .. }) => variants,
            _ => &[],
        }
    }

    /// The fields of a record.
    pub(crate) fn record(&self, rust: &str) -> Option<&Fields> {
        match self.definitions.get(rust) {
            Some(Definition::Record(fields)) => Some(fields),
            _ => None,
        }
    }

    /// A type as the ontology writes it.
    pub(crate) fn show(&self, shown: &Type) -> String {
        match shown {
            Type::Decimal(Some((digits, scale))) => format!("decimal({digits},{scale})"),
            Type::Decimal(None) => "decimal".into(),
            Type::Enum(rust) | Type::Record(rust) | Type::Newtype(rust, _) => {
                self.show_definition(rust)
            }
            Type::List(element) => format!("list<{}>", self.show(element)),
            Type::Set(member) => format!("set<{}>", self.show(member)),
            Type::Map(key, value) => format!("map<{}, {}>", self.show(key), self.show(value)),
            Type::Optional(inner) => format!("{}?", self.show(inner)),
            scalar => {
                let name = SCALARS.iter().find(|(_, listed)| listed == scalar);
                name.map_or("value", |(name, _)| name).into()
            }
        }
    }

    fn show_definition(&self, rust: &str) -> String {
        let written = self.declared.iter().find(|(_, declared)| *declared == rust);
        match written {
            Some((name, _)) => name.clone(),
            None => format!("enum[{}]", self.variants(rust).join(", ")),
        }
    }

    /// The definitions that `self` has and `base` has not, for the model.
    pub(crate) fn definitions_beyond(&self, base: &Self) -> Vec<TypeDefinition> {
        let new = self.order.iter().filter(|rust| !base.definitions.contains_key(*rust));
        new.filter_map(|rust| self.definition(rust)).collect()
    }

    /// An enum or record as the model keeps it.
    pub(crate) fn definition(&self, rust: &str) -> Option<TypeDefinition> {
        let name = rust.to_owned();
        Some(match self.definitions.get(rust)? {
            Definition::Enum { variants, inline_at } => TypeDefinition::Enum(EnumType {
                name,
                inline_at: inline_at.clone(),
                variants: variants.clone(),
            }),
            Definition::Record(fields) => {
                TypeDefinition::Record(RecordType { name, fields: fields.to_model() })
            }
            Definition::Newtype(found) => TypeDefinition::Newtype(found.clone()),
        })
    }
}

/// Whether values can be members of sets and keys of maps.
pub(super) fn is_key(of: &Type) -> bool {
    match of {
        Type::String | Type::Integer | Type::Enum(_) | Type::Uuid | Type::Date => true,
        Type::Newtype(_, base) => is_key(base),
        Type::Decimal(_)
        | Type::Boolean
        | Type::Timestamp
        | Type::Duration
        | Type::Bytes
        | Type::Record(_)
        | Type::List(_)
        | Type::Set(_)
        | Type::Map(..)
        | Type::Optional(_) => false,
    }
}

/// The first variant is the initial value, and every variant is one value.
fn check_variants(variants: &[syntax::Text], span: Span, findings: &mut Vec<Diagnostic>) {
    if variants.is_empty() {
        let found = Diagnostic::error(&VARIANTS, "an enum has no variants", span, "no value");
        findings.push(found.help("name its values: `enum[Open, Closed]`"));
    }
    for (index, variant) in variants.iter().enumerate() {
        let first = variants[..index].iter().find(|first| first.value == variant.value);
        if let Some(first) = first {
            let title = format!("`{}` is a variant twice", variant.value);
            let found = Diagnostic::error(&VARIANTS, title, variant.span, "again");
            findings.push(found.place(first.span, "first"));
        }
    }
}

fn decimal_with_digits(
    name: &syntax::Text,
    arguments: &[Spanned<u32>],
    findings: &mut Vec<Diagnostic>,
) -> Option<Type> {
    let (title, place) = match arguments {
        [digits, scale]
            if (1..=MAX_DIGITS).contains(&digits.value) && scale.value <= digits.value =>
        {
            return Some(Type::Decimal(Some((digits.value, scale.value))));
        }
        [digits, _] if digits.value == 0 || digits.value > MAX_DIGITS => {
            (format!("a decimal has 1 to {MAX_DIGITS} digits, not {}", digits.value), digits.span)
        }
        [digits, scale] => {
            let title = format!(
                "{} digits after the point are more than {} in all",
                scale.value, digits.value
            );
            (title, scale.span)
        }
        _ => (format!("`decimal` takes two numbers, not {}", arguments.len()), name.span),
    };
    let found = Diagnostic::error(&TYPE_FORM, title, place, "this number");
    findings.push(found.help("write `decimal(12,2)`: 12 digits in all, 2 of them after the point"));
    None
}

/// Whether a decimal in canonical text has no more digits than its type.
pub(crate) fn fits_digits(text: &str, digits: u32, scale: u32) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches(['-', '0']).len();
    fraction.len() <= scale as usize && whole <= (digits - scale) as usize
}
