//! Expressions: from the typed model to Rust, cloning only where a value is really needed.
//!
//! Types, names and conversions are settled in the model; what is decided here is ownership: every
//! compiled piece is [`Code`], which knows whether it is a copy, an owned value, a place or a
//! reference, and is turned into what its user needs.

mod choice;
mod code;
mod collection;
mod condition;
mod derived;
mod function;
mod list;
mod literal;
mod method;
mod newtype;
mod place;
mod text;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use code::{Code, Kind, Level};
pub(crate) use derived::handed;
pub(crate) use function::without_question;
pub(crate) use literal::decimal_literal;
pub(crate) use literal::grouped;
use literal::{date, decimal, integer, tokens, uuid};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::names::{field_ident, type_ident};
use super::types::{Types, is_copy};
use crate::model::{Arithmetic, Expression, ExpressionKind, MetaField, Method, Scope, Type};

/// Where expressions stand: what their scopes are called, and what they turned out to use.
pub(crate) struct Compiler<'m> {
    pub(crate) types: &'m Types<'m>,
    scopes: BTreeMap<Scope, TokenStream>,
    /// Inputs that are parameters of the function around, with what the function takes of each.
    parameters: BTreeMap<String, Kind>,
    meta: TokenStream,
    stream_id: TokenStream,
    locals: RefCell<BTreeMap<String, Kind>>,
    used: RefCell<BTreeSet<Scope>>,
    meta_used: Cell<bool>,
    fallible: Cell<usize>,
    new_ids: RefCell<Vec<Ident>>,
    in_example: bool,
}

impl<'m> Compiler<'m> {
    /// A compiler for expressions that read these scopes.
    pub(crate) fn new(
        types: &'m Types<'m>,
        scopes: impl IntoIterator<Item = (Scope, TokenStream)>,
    ) -> Self {
        Self {
            types,
            scopes: scopes.into_iter().collect(),
            parameters: BTreeMap::new(),
            meta: quote!(meta),
            stream_id: quote!(meta.stream_id),
            locals: RefCell::default(),
            used: RefCell::default(),
            meta_used: Cell::default(),
            fallible: Cell::default(),
            new_ids: RefCell::default(),
            in_example: false,
        }
    }

    /// The same, for an example: times are text that is parsed.
    pub(crate) fn in_example(mut self) -> Self {
        self.in_example = true;
        self
    }

    /// The same, reading the metadata and the stream's id from a decision.
    pub(crate) fn in_decision(mut self) -> Self {
        self.meta = quote!(context.meta());
        self.stream_id = quote!(context.stream_id());
        self
    }

    /// The same, reading the stream's id from a place of its own.
    pub(crate) fn with_stream(mut self, stream_id: TokenStream) -> Self {
        self.stream_id = stream_id;
        self
    }

    /// The same, where inputs are parameters of the function.
    pub(crate) fn with_parameters(
        mut self,
        parameters: impl IntoIterator<Item = (String, Kind)>,
    ) -> Self {
        self.parameters = parameters.into_iter().collect();
        self
    }

    /// Whether a scope has been read.
    pub(crate) fn used(&self, scope: Scope) -> bool {
        self.used.borrow().contains(&scope)
    }

    /// Whether the metadata has been read.
    pub(crate) fn meta_used(&self) -> bool {
        self.meta_used.get()
    }

    /// Whether anything compiled so far can fail.
    pub(crate) fn is_fallible(&self) -> bool {
        self.fallible.get() > 0
    }

    /// Makes a local known to what follows.
    pub(crate) fn bind(&self, name: &str, kind: Kind) {
        self.locals.borrow_mut().insert(name.to_owned(), kind);
    }

    /// `let` lines for the ids that the code compiled since the last call asks for.
    pub(crate) fn take_new_ids(&self) -> TokenStream {
        let ids = std::mem::take(&mut *self.new_ids.borrow_mut());
        quote!(#(let #ids = context.new_id();)*)
    }

    /// Compiles, and tells whether the code can fail.
    pub(crate) fn compile_noting(&self, expression: &Expression) -> (Code, bool) {
        self.noting(|compiler| compiler.compile(expression))
    }

    /// What something compiles to, and whether the code can fail.
    fn noting(&self, compile: impl FnOnce(&Self) -> Code) -> (Code, bool) {
        let before = self.fallible.get();
        let code = compile(self);
        (code, self.fallible.get() > before)
    }

    /// A value of the expression's type, for a place whose type is known.
    pub(crate) fn value(&self, expression: &Expression) -> TokenStream {
        match &expression.kind {
            ExpressionKind::None => quote!(None),
            ExpressionKind::List(items) if items.is_empty() => quote!(Vec::new()),
            ExpressionKind::Set(members) if members.is_empty() => quote!(__BTreeSet::new()),
            ExpressionKind::Map(entries) if entries.is_empty() => quote!(__BTreeMap::new()),
            ExpressionKind::Some(inner) => {
                let inner = self.value(inner);
                quote!(Some(#inner))
            }
            ExpressionKind::StreamId | ExpressionKind::Meta(MetaField::StreamId) => {
                self.meta_used.set(true);
                let stream_id = &self.stream_id;
                quote!(#stream_id.to_string())
            }
            _ => self.compile(expression).own(),
        }
    }

    /// A value to compare with a field: text need not be owned for that.
    pub(crate) fn compared(&self, expression: &Expression) -> TokenStream {
        match &expression.kind {
            ExpressionKind::String(text) => quote!(#text),
            ExpressionKind::List(items) | ExpressionKind::Set(items) if items.is_empty() => {
                self.compile(expression).own()
            }
            ExpressionKind::Map(entries) if entries.is_empty() => self.compile(expression).own(),
            _ => self.value(expression),
        }
    }

    /// Compiles an expression.
    pub(crate) fn compile(&self, expression: &Expression) -> Code {
        let copy = is_copy(&expression.result);
        let owned = |tokens| Code::value(tokens, copy);
        if can_be_put_otherwise(&expression.kind) {
            self.types.note_choice();
        }
        match &expression.kind {
            ExpressionKind::String(text) => Code::text(quote!(#text)),
            ExpressionKind::Integer(value) => integer(*value),
            ExpressionKind::Decimal(text) => decimal(text),
            ExpressionKind::Boolean(value) => owned(quote!(#value)),
            ExpressionKind::Duration(micros) => {
                let micros = grouped(*micros);
                owned(quote!(__Duration::from_micros(#micros)))
            }
            ExpressionKind::Timestamp(micros) => owned(self.time(*micros)),
            ExpressionKind::Date(text) => owned(date(text)),
            ExpressionKind::Uuid(text) => owned(uuid(text)),
            ExpressionKind::Bytes(bytes) => owned(quote!(__Bytes(vec![#(#bytes),*]))),
            ExpressionKind::None => {
                let of = self.types.rust(inner_type(&expression.result));
                owned(quote!(None::<#of>))
            }
            ExpressionKind::Some(inner) => {
                let inner = self.value(inner);
                owned(quote!(Some(#inner)))
            }
            ExpressionKind::Widen(inner) => match &inner.kind {
                ExpressionKind::Integer(value) => decimal(&value.to_string()),
                _ => {
                    let inner = self.compile(inner).own();
                    owned(quote!(__Decimal::from(#inner)))
                }
            },
            ExpressionKind::Plain(inner) => self.plain_value(inner),
            ExpressionKind::Wrap(inner) => self.wrapped(inner, &expression.result),
            ExpressionKind::Variant(name) => {
                let variant = type_ident(name);
                let of = self.enum_ident(&expression.result);
                owned(quote!(#of::#variant))
            }
            ExpressionKind::Read(scope, name) => self.read(*scope, name, copy),
            ExpressionKind::Meta(field) => self.meta(*field),
            ExpressionKind::StreamId => self.stream_id(),
            ExpressionKind::Local(name) => self.local(name),
            ExpressionKind::Now => owned(quote!(context.now())),
            ExpressionKind::NewId => owned(self.new_id()),
            ExpressionKind::Field(base, name) => self.field(base, name, copy),
            ExpressionKind::OptionalField(base, name) => self.optional_field(base, name, copy),
            ExpressionKind::Not(inner) => self.not(inner),
            ExpressionKind::Negate(inner) => self.negate(inner),
            ExpressionKind::Logic(logic, left, right) => self.logic(*logic, left, right),
            ExpressionKind::Compare(comparison, left, right) => {
                self.compare(*comparison, left, right)
            }
            ExpressionKind::Arithmetic(operator, left, right) => {
                self.arithmetic(*operator, left, right)
            }
            ExpressionKind::If(condition, yes, no) => {
                let condition = self.condition(condition);
                let (yes, no) = (self.value(yes), self.value(no));
                owned(quote!(if #condition { #yes } else { #no })).at(Level::Block)
            }
            ExpressionKind::Match(subject, arms) => self.match_arms(subject, arms, copy),
            ExpressionKind::Let(name, value, body) => {
                let binding = self.binding(name, value);
                let body = self.value(body);
                owned(quote!({ #binding #body })).at(Level::Block)
            }
            ExpressionKind::Call(method, receiver, arguments) => {
                self.call(*method, receiver, arguments, &expression.result)
            }
            ExpressionKind::Record(fields, base) => {
                self.record(&expression.result, fields, base.as_deref())
            }
            ExpressionKind::List(items) if items.is_empty() => {
                let of = match &expression.result {
                    Type::List(item) => self.types.rust(item),
                    other => self.types.rust(other),
                };
                owned(quote!(Vec::<#of>::new()))
            }
            ExpressionKind::List(items) => {
                // A list says of what type it is where its items don't.
                let item = |item| match condition::is_empty(item) {
                    true => self.compile(item).own(),
                    false => self.value(item),
                };
                let items = items.iter().map(item);
                Code { tokens: quote!([#(#items),*]), kind: Kind::Items, level: Level::Atom }
            }
            ExpressionKind::Set(members) => self.set(members, &expression.result),
            ExpressionKind::Map(entries) => self.map(entries, &expression.result),
            ExpressionKind::Format(pieces) => self.format(pieces),
            ExpressionKind::Derived(call) => self.derived(call, copy),
            ExpressionKind::Closure(..) => {
                unreachable!("a function stands in a method's arguments")
            }
        }
    }

    /// A mark for what can fail.
    fn checked(&self, call: &TokenStream, copy: bool) -> Code {
        self.fallible.set(self.fallible.get() + 1);
        Code::value(quote!(#call?), copy)
    }

    fn enum_ident(&self, of: &Type) -> Ident {
        match of {
            Type::Enum(name) => self.types.named(name),
            other => unreachable!("a variant of {other:?}"),
        }
    }

    fn negate(&self, inner: &Expression) -> Code {
        let inner = self.argument(inner);
        self.checked(&quote!(__negate(#inner)), true)
    }

    fn arithmetic(&self, operator: Arithmetic, left: &Expression, right: &Expression) -> Code {
        let (left, right) = (self.argument(left), self.compile(right).own());
        let call = match operator {
            Arithmetic::Add => quote!(__add(#left, #right)),
            Arithmetic::Subtract => quote!(__subtract(#left, #right)),
            Arithmetic::Multiply => quote!(__multiply(#left, #right)),
            Arithmetic::Divide => quote!(__divide(#left, #right)),
            Arithmetic::Remainder => quote!(__remainder(#left, #right)),
        };
        self.checked(&call, true)
    }

    /// An argument of a generic function: integers say their type.
    fn argument(&self, expression: &Expression) -> TokenStream {
        match expression.kind {
            ExpressionKind::Integer(value) if (0..=i64::from(i32::MAX)).contains(&value) => {
                tokens(&format!("{value}_i64"))
            }
            _ => self.compile(expression).own(),
        }
    }

    fn record(
        &self,
        of: &Type,
        fields: &[(String, Expression)],
        base: Option<&Expression>,
    ) -> Code {
        let ident = match of {
            Type::Record(name) => self.types.named(name),
            other => unreachable!("a record literal of {other:?}"),
        };
        let complete = fields.len() == self.types.record_fields(of).len();
        let values = fields.iter().map(|(name, value)| self.field_value(name, value));
        let values = values.collect::<Vec<_>>();
        let base = base.filter(|_| !complete).map(|base| {
            let base = self.compile(base).own();
            quote!(..#base)
        });
        Code::value(quote!(#ident { #(#values,)* #base }), false).at(Level::Struct)
    }

    /// `name: value`, or the short form where both are one identifier.
    pub(crate) fn field_value(&self, name: &str, value: &Expression) -> TokenStream {
        let value = self.value(value);
        field_init(name, &value)
    }
}

/// `name: value`, or the short form where both are one identifier.
pub(crate) fn field_init(name: &str, value: &TokenStream) -> TokenStream {
    let field = field_ident(name);
    if field == value.to_string() { quote!(#field) } else { quote!(#field: #value) }
}

/// Whether a lint might have the expression in another form, or find that it is always the same.
fn can_be_put_otherwise(kind: &ExpressionKind) -> bool {
    match kind {
        ExpressionKind::If(..)
        | ExpressionKind::Match(..)
        | ExpressionKind::Let(..)
        | ExpressionKind::Closure(..) => true,
        ExpressionKind::Logic(logic, left, right) => {
            let mixes = |side: &Expression| {
                side.any(&|part| match &part.kind {
                    ExpressionKind::Logic(other, ..) => other != logic,
                    part => matches!(part, ExpressionKind::Local(_)),
                })
            };
            mixes(left) || mixes(right) || ask_the_same(left, right)
        }
        // Below `!` the parts are not compiled one by one.
        ExpressionKind::Not(inner) => inner.any(&|part| can_be_put_otherwise(&part.kind)),
        ExpressionKind::Compare(_, left, right) => {
            let certain = |side: &Expression| {
                matches!(side.kind, ExpressionKind::Integer(i64::MIN | i64::MAX))
            };
            left == right
                || certain(left)
                || certain(right)
                || is_written_out(left) && is_written_out(right)
        }
        ExpressionKind::Call(
            Method::StringIsEmpty | Method::ListIsEmpty | Method::SetIsEmpty | Method::MapIsEmpty,
            receiver,
            _,
        ) => is_written_out(receiver),
        ExpressionKind::Call(Method::Min | Method::Max, receiver, _) => {
            !matches!(receiver.kind, ExpressionKind::Read(..))
        }
        _ => false,
    }
}

/// Whether one of two conditions may follow from the other, or contradict it, as far as lints can tell.
fn ask_the_same(left: &Expression, right: &Expression) -> bool {
    left.any(&|asked| right.any(&|other| is_same_question(asked, other)))
}

fn is_same_question(a: &Expression, b: &Expression) -> bool {
    if let (ExpressionKind::Compare(_, a, b), ExpressionKind::Compare(_, c, d)) = (&a.kind, &b.kind)
        && ((a, b) == (c, d) || (a, b) == (d, c))
    {
        return true;
    }
    matches!((asked_about(a), asked_about(b)), (Some(a), Some(b)) if a == b)
}

/// The value that a condition asks about, and nothing else.
fn asked_about(condition: &Expression) -> Option<&Expression> {
    // `x == ""` is written `x.is_empty()`.
    let is_fixed = |side: &Expression| {
        matches!(side.kind, ExpressionKind::Integer(_) | ExpressionKind::None)
            || condition::is_empty(side)
    };
    match &condition.kind {
        ExpressionKind::Compare(_, value, fixed) if is_fixed(fixed) => Some(value),
        ExpressionKind::Compare(_, fixed, value) if is_fixed(fixed) => Some(value),
        ExpressionKind::Call(_, value, arguments) if arguments.is_empty() => {
            (condition.result == Type::Boolean).then_some(value)
        }
        ExpressionKind::Read(..) | ExpressionKind::Derived(_) => {
            (condition.result == Type::Boolean).then_some(condition)
        }
        _ => None,
    }
}

/// Whether a text, list, set or map is one that the ontology spells out.
fn is_written_out(value: &Expression) -> bool {
    matches!(
        value.kind,
        ExpressionKind::String(_)
            | ExpressionKind::List(_)
            | ExpressionKind::Set(_)
            | ExpressionKind::Map(_)
    )
}

/// The type within an optional.
pub(crate) fn inner_type(of: &Type) -> &Type {
    match of {
        Type::Optional(inner) => inner,
        other => other,
    }
}
