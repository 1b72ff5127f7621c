//! Types: how a type of the language is written in Rust, and the enums and records of an ontology.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::layout::{self, Part};
use super::names::{field_ident, local_ident, type_ident};
use crate::model::{
    Aggregate, Definitions, Derived, EnumType, Field, Ontology, RecordType, Type, TypeDefinition,
};

/// The enums and records that the types of a module can name.
pub(crate) struct Types<'m> {
    definitions: BTreeMap<&'m str, &'m TypeDefinition>,
    shapes: Definitions<'m>,
    /// Names that are written with the path of the module `types`.
    shared: BTreeSet<&'m str>,
    /// Whether an expression with choices, locals or `&&` has been compiled with these types.
    choices: Cell<bool>,
    /// Whether a function has been compiled with these types.
    functions: Cell<bool>,
    /// What a program may set.
    pub(crate) config: &'m [Field],
    /// The derived values of the aggregate.
    derived: &'m [Derived],
    /// Which of them can fail, as far as asked.
    can_fail: RefCell<BTreeMap<String, bool>>,
}

impl<'m> Types<'m> {
    /// As seen from the module of an aggregate.
    pub(crate) fn of_aggregate(ontology: &'m Ontology, aggregate: &'m Aggregate) -> Self {
        let shared = ontology.types.iter().map(TypeDefinition::name);
        let all = ontology.types.iter().chain(&aggregate.inline_types);
        Self {
            definitions: all.map(|it| (it.name(), it)).collect(),
            shapes: Definitions::of(ontology, aggregate),
            shared: shared.collect(),
            choices: Cell::default(),
            functions: Cell::default(),
            config: &ontology.config,
            derived: &aggregate.derived,
            can_fail: RefCell::default(),
        }
    }

    /// As seen from the module `types` itself.
    pub(crate) fn shared(ontology: &'m Ontology) -> Self {
        let definitions = ontology.types.iter().map(|it| (it.name(), it)).collect();
        let shapes = Definitions::new(&ontology.types, &[]);
        let (choices, functions) = (Cell::default(), Cell::default());
        let (derived, can_fail) = (&[][..], RefCell::default());
        let (shared, config) = (BTreeSet::new(), ontology.config.as_slice());
        Self { definitions, shapes, shared, choices, functions, config, derived, can_fail }
    }

    /// The type of what the program is set to, as an aggregate's module sees it.
    pub(crate) fn config(&self) -> TokenStream {
        if self.config.is_empty() { quote!(()) } else { quote!(__types_Config) }
    }

    /// The derived value of this name.
    pub(crate) fn derived(&self, name: &str) -> &'m Derived {
        let found = self.derived.iter().find(|derived| derived.name == name);
        found.unwrap_or_else(|| unreachable!("the model names a derived value `{name}`"))
    }

    /// Whether asking for a derived value can fail.
    pub(crate) fn derived_can_fail(&self, name: &str) -> bool {
        let derived = self.derived(name);
        let known = self.can_fail.borrow().get(name).copied();
        known.unwrap_or_else(|| {
            let fails = super::derived::can_fail(self, derived);
            self.can_fail.borrow_mut().insert(derived.name.clone(), fails);
            fails
        })
    }

    /// Notes that an expression was compiled that can be put in several ways.
    pub(crate) fn note_choice(&self) {
        self.choices.set(true);
    }

    /// Notes that a function was compiled.
    pub(crate) fn note_function(&self) {
        self.choices.set(true);
        self.functions.set(true);
    }

    /// Whether a function was compiled.
    pub(crate) fn has_functions(&self) -> bool {
        self.functions.get()
    }

    /// Whether such an expression was compiled.
    pub(crate) fn has_choices(&self) -> bool {
        self.choices.get()
    }

    /// The canonical text of fields.
    pub(crate) fn shape(&self, fields: &[Field]) -> String {
        self.shapes.shape(fields)
    }

    /// The definition of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&'m TypeDefinition> {
        self.definitions.get(name).copied()
    }

    /// The Rust type.
    pub(crate) fn rust(&self, of: &Type) -> TokenStream {
        match of {
            Type::String => quote!(String),
            Type::Integer => quote!(i64),
            Type::Decimal(_) => quote!(__Decimal),
            Type::Boolean => quote!(bool),
            Type::Timestamp => quote!(__Timestamp),
            Type::Date => quote!(__Date),
            Type::Duration => quote!(__Duration),
            Type::Uuid => quote!(__Uuid),
            Type::Bytes => quote!(__Bytes),
            Type::Enum(name) | Type::Record(name) | Type::Newtype(name, _) => {
                let ident = self.named(name);
                quote!(#ident)
            }
            Type::List(item) => {
                let item = self.rust(item);
                quote!(Vec<#item>)
            }
            Type::Set(member) => {
                let member = self.rust(member);
                quote!(__BTreeSet<#member>)
            }
            Type::Map(key, value) => {
                let (key, value) = (self.rust(key), self.rust(value));
                quote!(__BTreeMap<#key, #value>)
            }
            Type::Optional(inner) => {
                let inner = self.rust(inner);
                quote!(Option<#inner>)
            }
        }
    }

    /// The name of an enum or record, as this module sees it.
    pub(crate) fn named(&self, name: &str) -> Ident {
        let ident = type_ident(name);
        if self.shared.contains(name) { format_ident!("__types_{ident}") } else { ident }
    }

    /// The type as the ontology writes it.
    pub(crate) fn text(&self, of: &Type) -> String {
        match of {
            Type::String => "string".to_owned(),
            Type::Integer => "integer".to_owned(),
            Type::Decimal(None) => "decimal".to_owned(),
            Type::Decimal(Some((precision, scale))) => format!("decimal({precision},{scale})"),
            Type::Boolean => "boolean".to_owned(),
            Type::Timestamp => "timestamp".to_owned(),
            Type::Date => "date".to_owned(),
            Type::Duration => "duration".to_owned(),
            Type::Uuid => "uuid".to_owned(),
            Type::Bytes => "bytes".to_owned(),
            Type::Enum(name) => match self.get(name) {
                Some(TypeDefinition::Enum(inline)) if inline.inline_at.is_some() => {
                    format!("enum[{}]", inline.variants.join(", "))
                }
                _ => name.clone(),
            },
            Type::Record(name) | Type::Newtype(name, _) => name.clone(),
            Type::List(item) => format!("list<{}>", self.text(item)),
            Type::Set(member) => format!("set<{}>", self.text(member)),
            Type::Map(key, value) => format!("map<{}, {}>", self.text(key), self.text(value)),
            Type::Optional(inner) => format!("{}?", self.text(inner)),
        }
    }

    /// Statements that check the digits of a value at a place (an expression of a reference): none
    /// where its type allows every value of its Rust type. In a fold: the rules of named types bind what
    /// is decided, and never what has been recorded.
    pub(crate) fn check(&self, of: &Type, place: &TokenStream, field: &str) -> TokenStream {
        self.check_as(Checks::Digits, of, place, field)
    }

    fn check_as(&self, checks: Checks, of: &Type, place: &TokenStream, field: &str) -> TokenStream {
        if !self.is_checked_as(checks, of) {
            return TokenStream::new();
        }
        match of {
            Type::Newtype(_, base) => {
                let place = without_reference(place);
                match checks {
                    Checks::Digits => self.check_as(checks, base, &quote!(&#place.get()), field),
                    _ => quote!(__check::named(#place.validate(), #field)?;),
                }
            }
            Type::Decimal(Some((precision, scale))) => {
                let precision = proc_macro2::Literal::u32_unsuffixed(*precision);
                let scale = proc_macro2::Literal::u32_unsuffixed(*scale);
                quote!(__check::digits(#place, #field, #precision, #scale)?;)
            }
            Type::Record(_) => {
                let place = without_reference(place);
                match checks {
                    Checks::Digits if self.has_rules(of) => quote!(#place.validate_digits()?;),
                    Checks::Set => quote!(__check::within(#place.validate(), #field)?;),
                    _ => quote!(#place.validate()?;),
                }
            }
            Type::Optional(inner) => {
                let check = self.check_as(checks, inner, &quote!(value), field);
                quote!(if let Some(value) = #place { #check })
            }
            Type::List(item) => match &**item {
                Type::Optional(inner) => {
                    let place = without_reference(place);
                    let check = self.check_as(checks, inner, &quote!(value), field);
                    quote!(for value in #place.iter().flatten() { #check })
                }
                item => {
                    let check = self.check_as(checks, item, &quote!(item), field);
                    quote!(for item in #place { #check })
                }
            },
            Type::Set(member) => {
                let check = self.check_as(checks, member, &quote!(member), field);
                quote!(for member in #place { #check })
            }
            Type::Map(key, value) => {
                let place = without_reference(place);
                let keys = self.check_as(checks, key, &quote!(key), field);
                let keys = (!keys.is_empty()).then(|| quote!(for key in #place.keys() { #keys }));
                let (of_value, values) = match &**value {
                    Type::Optional(inner) => (&**inner, quote!(values().flatten())),
                    value => (value, quote!(values())),
                };
                let values_check = self.check_as(checks, of_value, &quote!(value), field);
                let values = (!values_check.is_empty())
                    .then(|| quote!(for value in #place.#values { #values_check }));
                quote!(#keys #values)
            }
            _ => TokenStream::new(),
        }
    }

    /// Whether values of the Rust type may have more digits than the declared type: what a fold checks.
    pub(crate) fn is_checked(&self, of: &Type) -> bool {
        self.is_checked_as(Checks::Digits, of)
    }

    fn is_checked_as(&self, checks: Checks, of: &Type) -> bool {
        self.is_checked_within(checks, of, &mut Vec::new())
    }

    /// Whether there are rules of named types in it.
    fn has_rules(&self, of: &Type) -> bool {
        self.is_checked_within(Checks::Rules, of, &mut Vec::new())
    }

    fn is_checked_within(&self, checks: Checks, of: &Type, seen: &mut Vec<String>) -> bool {
        match of {
            Type::Decimal(limits) => limits.is_some() && checks != Checks::Rules,
            Type::Newtype(name, base) => {
                let has_rules = match self.get(name) {
                    Some(TypeDefinition::Newtype(found)) => !found.rules.is_empty(),
                    _ => false,
                };
                has_rules && checks != Checks::Digits || self.is_checked_within(checks, base, seen)
            }
            Type::List(inner) | Type::Set(inner) | Type::Optional(inner) => {
                self.is_checked_within(checks, inner, seen)
            }
            Type::Map(key, inner) => {
                self.is_checked_within(checks, key, seen)
                    || self.is_checked_within(checks, inner, seen)
            }
            Type::Record(name) if !seen.contains(name) => {
                seen.push(name.clone());
                match self.get(name) {
                    Some(TypeDefinition::Record(record)) => record
                        .fields
                        .iter()
                        .any(|field| self.is_checked_within(checks, &field.field_type, seen)),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// The body of a `validate`: every field of `self` in its order.
    pub(crate) fn validate_body(&self, fields: &[Field]) -> TokenStream {
        self.validate_body_as(Checks::All, fields)
    }

    /// The body of a `validate` of what a program is set to; none where every value is allowed.
    pub(crate) fn validate_config(&self) -> Option<TokenStream> {
        let checks = self.config.iter().map(|field| {
            let (ident, shown) = (field_ident(&field.name), format!("config.{}", field.name));
            self.check_as(Checks::Set, &field.field_type, &quote!(&self.#ident), &shown)
        });
        let checks: TokenStream = checks.collect();
        (!checks.is_empty()).then(|| quote!(#checks Ok(())))
    }

    fn validate_body_as(&self, checks: Checks, fields: &[Field]) -> TokenStream {
        let checks = fields.iter().map(|field| {
            let ident = field_ident(&field.name);
            self.check_as(checks, &field.field_type, &quote!(&self.#ident), &field.name)
        });
        quote! {
            #(#checks)*
            Ok(())
        }
    }

    /// The first variant of an enum.
    pub(crate) fn first_variant(&self, name: &str) -> Option<&'m String> {
        match self.get(name) {
            Some(TypeDefinition::Enum(definition)) => definition.variants.first(),
            _ => None,
        }
    }

    /// The fields of a record.
    pub(crate) fn record_fields(&self, of: &Type) -> &'m [Field] {
        match of {
            Type::Record(name) => match self.get(name) {
                Some(TypeDefinition::Record(record)) => &record.fields,
                _ => &[],
            },
            _ => &[],
        }
    }
}

/// What is checked of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checks {
    /// Digits and rules: what is about to be recorded.
    All,
    /// Digits and rules, each told with its field: what a program is set to.
    Set,
    /// Digits alone: what a fold calculates.
    Digits,
    /// Rules alone.
    Rules,
}

fn without_reference(place: &TokenStream) -> TokenStream {
    let mut tokens = place.clone().into_iter().peekable();
    if matches!(tokens.peek(), Some(token) if token.to_string() == "&") {
        tokens.next();
    }
    tokens.collect()
}

/// Whether values are copied and not moved.
pub(crate) fn is_copy(of: &Type) -> bool {
    match of {
        Type::String
        | Type::Bytes
        | Type::Record(_)
        | Type::List(_)
        | Type::Set(_)
        | Type::Map(..) => false,
        Type::Optional(inner) | Type::Newtype(_, inner) => is_copy(inner),
        _ => true,
    }
}

/// An enum or record as items.
pub(crate) fn definition(types: &Types<'_>, definition: &TypeDefinition) -> Vec<Part> {
    match definition {
        TypeDefinition::Enum(definition) => enum_items(definition),
        TypeDefinition::Record(definition) => record_items(types, definition),
        TypeDefinition::Newtype(definition) => super::newtypes::items(definition),
    }
}

fn enum_items(definition: &EnumType) -> Vec<Part> {
    let ident = type_ident(&definition.name);
    let names = &definition.variants;
    let variants: Vec<Ident> = names.iter().map(|name| type_ident(name)).collect();
    let docs = layout::doc(&match &definition.inline_at {
        Some(place) => place.clone(),
        None => layout::code(&definition.name),
    });
    let variant_docs = names.iter().map(|name| layout::doc(&layout::code(name)));
    let default = std::iter::once(quote!(#[default])).chain(std::iter::repeat(TokenStream::new()));
    let data = layout::item(quote! {
        #docs
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum #ident { #(#variant_docs #default #variants,)* }
    });
    let label = layout::block(
        &quote!(impl __Label for #ident),
        vec![
            vec![quote!(const NAMES: &'static [&'static str] = &[#(#names),*];)],
            vec![quote!(
                fn index(self) -> usize {
                    self as usize
                }
            )],
            vec![quote! {
                fn from_index(index: usize) -> Option<Self> {
                    [#(Self::#variants),*].get(index).copied()
                }
            }],
        ],
    );
    let display = layout::block(
        &quote!(impl __fmt::Display for #ident),
        vec![vec![quote! {
            fn fmt(&self, f: &mut __fmt::Formatter<'_>) -> __fmt::Result {
                f.write_str(self.name())
            }
        }]],
    );
    vec![data, label, display]
}

fn record_items(types: &Types<'_>, definition: &RecordType) -> Vec<Part> {
    let ident = type_ident(&definition.name);
    let docs = layout::doc(&layout::code(&definition.name));
    let mut items = vec![
        structure(
            types,
            &docs,
            &quote!(#[derive(Clone, Debug, PartialEq)]),
            &ident,
            &definition.fields,
        ),
        record_impl(types, &ident, &definition.fields),
    ];
    let any = |checks| {
        definition.fields.iter().any(|field| types.is_checked_as(checks, &field.field_type))
    };
    if !any(Checks::All) {
        return items;
    }
    let body = types.validate_body(&definition.fields);
    let mut functions = vec![vec![quote! {
        /// Checks that the fields fit their declared types.
        ///
        /// # Errors
        /// For the first field that does not.
        pub fn validate(&self) -> Result<(), __FieldError> { #body }
    }]];
    if any(Checks::Digits) && any(Checks::Rules) {
        let body = types.validate_body_as(Checks::Digits, &definition.fields);
        functions.push(vec![quote! {
            /// Checks the digits of the fields, and not what named types are declared to be: what has
            /// been recorded stays readable when a rule is tightened.
            ///
            /// # Errors
            /// For the first field that has too many.
            pub fn validate_digits(&self) -> Result<(), __FieldError> { #body }
        }]);
    }
    items.push(layout::block(&quote!(impl #ident), functions));
    items
}

/// A public struct with these fields.
pub(crate) fn structure(
    types: &Types<'_>,
    docs: &TokenStream,
    derives: &TokenStream,
    ident: &Ident,
    fields: &[Field],
) -> Part {
    if fields.is_empty() {
        return layout::item(quote!(#docs #derives pub struct #ident;));
    }
    let fields = fields.iter().map(|field| {
        let docs = layout::doc(&field_text(types, field));
        let (name, of) = (field_ident(&field.name), types.rust(&field.field_type));
        quote!(#docs pub #name: #of)
    });
    layout::item(quote!(#docs #derives pub struct #ident { #(#fields,)* }))
}

/// `` `accountId: string` ``
pub(crate) fn field_text(types: &Types<'_>, field: &Field) -> String {
    layout::code(&format!("{}: {}", field.name, types.text(&field.field_type)))
}

/// `impl Record`, for a type with these fields.
pub(crate) fn record_impl(types: &Types<'_>, ident: &Ident, fields: &[Field]) -> Part {
    let (write, read) = (write_body(fields), read_body(types, fields));
    let out = if fields.is_empty() { quote!(_out) } else { quote!(out) };
    layout::block(
        &quote!(impl __Record for #ident),
        vec![
            vec![quote!(fn write(&self, #out: &mut __Writer) { #write })],
            vec![quote! {
                fn read(fields: &mut __Fields<'_>) -> Result<Self, __DecodeError> { #read }
            }],
        ],
    )
}

/// Writes every field of `self`.
pub(crate) fn write_body(fields: &[Field]) -> TokenStream {
    let writes = fields.iter().map(|field| {
        let (name, ident) = (&field.name, field_ident(&field.name));
        quote!(out.field(#name, &self.#ident);)
    });
    quote!(#(#writes)*)
}

fn read_body(types: &Types<'_>, fields: &[Field]) -> TokenStream {
    let _ = types;
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let locals: Vec<Ident> = names.iter().map(|name| local_ident(name)).collect();
    let values = fields.iter().zip(&locals).map(|(field, local)| {
        let (name, ident) = (&field.name, field_ident(&field.name));
        match field.field_type {
            Type::Optional(_) => quote!(#ident: __optional(#local)),
            _ => quote!(#ident: __required(#local, #name)?),
        }
    });
    quote! {
        #(let mut #locals = None;)*
        fields.read(&mut [#((#names, &mut #locals)),*])?;
        Ok(Self { #(#values,)* })
    }
}
