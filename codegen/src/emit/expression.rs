//! Expressions: from the typed model to Rust, cloning only where a value is really needed.
//!
//! Types, names and conversions are settled in the model; what is decided here is ownership: every
//! compiled piece is [`Code`], which knows whether it is a copy, an owned value, a place or a
//! reference, and is turned into what its user needs.

mod code;
mod method;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use code::{Code, Kind, Level};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::calendar::rfc3339;
use super::names::{field_ident, local_ident, type_ident};
use super::types::{Types, is_copy};
use crate::model::{
    Arithmetic, Arm, Comparison, Expression, ExpressionKind, Logic, MetaField, Pattern, Piece,
    Scope, Type,
};

/// Where expressions stand: what their scopes are called, and what they turned out to use.
pub(crate) struct Compiler<'m> {
    pub(crate) types: &'m Types<'m>,
    scopes: BTreeMap<Scope, TokenStream>,
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

    /// A point in time.
    pub(crate) fn time(&self, micros: i64) -> TokenStream {
        if self.in_example {
            let text = rfc3339(micros);
            return quote!(#text.parse()?);
        }
        let micros = grouped(micros);
        quote!(__Timestamp::from_micros(#micros))
    }

    /// The same, reading the metadata and the stream's id from a decision.
    pub(crate) fn in_decision(mut self) -> Self {
        self.meta = quote!(context.meta());
        self.stream_id = quote!(context.stream_id());
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
        let before = self.fallible.get();
        let code = self.compile(expression);
        (code, self.fallible.get() > before)
    }

    /// A value of the expression's type, for a place whose type is known.
    pub(crate) fn value(&self, expression: &Expression) -> TokenStream {
        match &expression.kind {
            ExpressionKind::None => quote!(None),
            ExpressionKind::List(items) if items.is_empty() => quote!(Vec::new()),
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
            ExpressionKind::List(items) if items.is_empty() => self.compile(expression).own(),
            _ => self.value(expression),
        }
    }

    /// A condition, for an `if`.
    pub(crate) fn condition(&self, expression: &Expression) -> TokenStream {
        self.compile(expression).operand(Level::Block)
    }

    /// Statements that leave the function with `leave` where the condition holds.
    pub(crate) fn leave_if(&self, expression: &Expression, leave: &TokenStream) -> TokenStream {
        let code = self.compile(expression);
        if code.level > Level::Block {
            let condition = code.tokens;
            return quote!(if #condition { #leave });
        }
        let condition = code.tokens;
        quote! {
            let rejected = #condition;
            if rejected { #leave }
        }
    }

    /// Compiles an expression.
    pub(crate) fn compile(&self, expression: &Expression) -> Code {
        let copy = is_copy(&expression.result);
        let owned = |tokens| Code::value(tokens, copy);
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
                let items = items.iter().map(|item| self.value(item));
                owned(quote!(vec![#(#items),*]))
            }
            ExpressionKind::Format(pieces) => self.format(pieces),
        }
    }

    /// `let name = value;`
    pub(crate) fn binding(&self, name: &str, value: &Expression) -> TokenStream {
        let code = self.compile(value);
        let ident = local_ident(name);
        let (kind, value) = match (code.kind, &value.kind) {
            (Kind::Place, _) => (Kind::Reference, code.borrow()),
            (Kind::Reference, _) | (Kind::Text, ExpressionKind::String(_)) => {
                (code.kind, code.tokens)
            }
            (Kind::Copy | Kind::OptionalReference, _) => (code.kind, code.tokens),
            _ => (Kind::Place, code.own()),
        };
        self.bind(name, kind);
        quote!(let #ident = #value;)
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

    fn read(&self, scope: Scope, name: &str, copy: bool) -> Code {
        self.used.borrow_mut().insert(scope);
        let field = field_ident(name);
        let base = self.scopes.get(&scope);
        let base = base.unwrap_or_else(|| unreachable!("{scope:?} can't be read here"));
        Code::place(quote!(#base.#field), copy)
    }

    fn meta(&self, field: MetaField) -> Code {
        self.meta_used.set(true);
        let meta = &self.meta;
        match field {
            MetaField::At => Code::value(quote!(#meta.at), true),
            MetaField::Sequence => Code::value(quote!(#meta.sequence_number()), true),
            MetaField::RecordedAt => Code::value(quote!(#meta.recorded_at), true),
            MetaField::StreamId => self.stream_id(),
            MetaField::Actor => Code::optional_text(quote!(#meta.actor.as_deref())),
            MetaField::CorrelationId => {
                Code::optional_text(quote!(#meta.correlation_id.as_deref()))
            }
            MetaField::CausationId => Code::optional_text(quote!(#meta.causation_id.as_deref())),
        }
    }

    fn stream_id(&self) -> Code {
        self.meta_used.set(true);
        let stream_id = &self.stream_id;
        Code::text(quote!(#stream_id.as_str()))
    }

    fn local(&self, name: &str) -> Code {
        let kind = self.locals.borrow().get(name).copied();
        let kind = kind.unwrap_or_else(|| unreachable!("the local `{name}` is not bound here"));
        let ident = local_ident(name);
        Code { tokens: quote!(#ident), kind, level: Level::Atom }
    }

    fn new_id(&self) -> TokenStream {
        let mut ids = self.new_ids.borrow_mut();
        let ident = match ids.len() {
            0 => format_ident!("new_id"),
            count => format_ident!("new_id_{}", count + 1),
        };
        ids.push(ident.clone());
        quote!(#ident)
    }

    fn field(&self, base: &Expression, name: &str, copy: bool) -> Code {
        let field = field_ident(name);
        let base = self.compile(base);
        let from_value = base.kind == Kind::Owned;
        let base = base.operand(Level::Atom);
        if from_value {
            Code::value(quote!(#base.#field), copy)
        } else {
            Code::place(quote!(#base.#field), copy)
        }
    }

    fn optional_field(&self, base: &Expression, name: &str, copy: bool) -> Code {
        let of = inner_type(&base.result);
        let fields = self.types.record_fields(of);
        let of_field =
            fields.iter().find(|field| field.name == name).map(|field| &field.field_type);
        let nested = matches!(of_field, Some(Type::Optional(_)));
        let of_field = of_field.map(inner_type);
        let base = self.compile(base);
        // What a temporary holds can't be referred to after it.
        let lasting = base.kind != Kind::Owned;
        let reference = match base.kind {
            Kind::OptionalReference => base.tokens,
            _ => {
                let base = base.operand(Level::Atom);
                quote!(#base.as_ref())
            }
        };
        let field = field_ident(name);
        let map = if nested { quote!(and_then) } else { quote!(map) };
        if copy {
            return Code::value(quote!(#reference.#map(|value| value.#field)), true);
        }
        let text = matches!(of_field, Some(Type::String));
        if lasting && text {
            let value = if nested {
                quote!(value.#field.as_deref())
            } else {
                quote!(value.#field.as_str())
            };
            return Code::optional_text(quote!(#reference.#map(|value| #value)));
        }
        if lasting {
            let value = if nested { quote!(value.#field.as_ref()) } else { quote!(&value.#field) };
            return Code::optional_reference(quote!(#reference.#map(|value| #value)));
        }
        Code::value(quote!(#reference.#map(|value| value.#field.clone())), false)
    }

    fn not(&self, inner: &Expression) -> Code {
        match &inner.kind {
            ExpressionKind::Not(inner) => self.compile(inner),
            ExpressionKind::Boolean(value) => self.boolean(!value),
            ExpressionKind::Compare(comparison, left, right) => {
                self.compare(opposite(*comparison), left, right)
            }
            ExpressionKind::Logic(logic, left, right) => {
                let opposite = match logic {
                    Logic::And => Logic::Or,
                    Logic::Or => Logic::And,
                };
                joined(opposite, self.not(left), self.not(right))
            }
            ExpressionKind::Call(method, receiver, arguments) => match method::opposite(*method) {
                Some(opposite) => self.call(opposite, receiver, arguments, &inner.result),
                None => self.plain_not(inner),
            },
            _ => self.plain_not(inner),
        }
    }

    fn plain_not(&self, inner: &Expression) -> Code {
        let inner = self.compile(inner).operand(Level::Unary);
        Code::value(quote!(!#inner), true).at(Level::Unary)
    }

    fn boolean(&self, value: bool) -> Code {
        Code::value(quote!(#value), true)
    }

    fn negate(&self, inner: &Expression) -> Code {
        let inner = self.argument(inner);
        self.checked(&quote!(__negate(#inner)), true)
    }

    fn logic(&self, logic: Logic, left: &Expression, right: &Expression) -> Code {
        joined(logic, self.compile(left), self.compile(right))
    }

    fn compare(&self, comparison: Comparison, left: &Expression, right: &Expression) -> Code {
        let special = self
            .compare_with_none(comparison, left, right)
            .or_else(|| self.compare_with_boolean(comparison, left, right))
            .or_else(|| self.compare_with_empty(comparison, left, right));
        if let Some(code) = special {
            return code;
        }
        let (a, b) = (self.compile(left), self.compile(right));
        let is_optional = matches!(left.result, Type::Optional(_));
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let (a, b) = if a.kind == Kind::Copy && b.kind == Kind::Copy {
            (a.operand(Level::Unary), b.operand(Level::Unary))
        } else if is_optional {
            if a.kind == Kind::Place && b.kind == Kind::Place {
                (a.tokens, b.tokens)
            } else {
                (self.option_ref(left, a), self.option_ref(right, b))
            }
        } else if left.result == Type::String && ordered {
            (a.into_str(), b.into_str())
        } else {
            code::comparable(a, b)
        };
        let operator = match comparison {
            Comparison::Equal => quote!(==),
            Comparison::NotEqual => quote!(!=),
            Comparison::Less => quote!(<),
            Comparison::LessOrEqual => quote!(<=),
            Comparison::Greater => quote!(>),
            Comparison::GreaterOrEqual => quote!(>=),
        };
        Code::value(quote!(#a #operator #b), true).at(Level::Compare)
    }

    fn compare_with_none(
        &self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
    ) -> Option<Code> {
        let other = match (&left.kind, &right.kind) {
            (ExpressionKind::None, _) => right,
            (_, ExpressionKind::None) => left,
            _ => return None,
        };
        let other = self.compile(other).operand(Level::Atom);
        match comparison {
            Comparison::Equal => Some(Code::value(quote!(#other.is_none()), true)),
            Comparison::NotEqual => Some(Code::value(quote!(#other.is_some()), true)),
            _ => None,
        }
    }

    /// `x == true` is `x`.
    fn compare_with_boolean(
        &self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
    ) -> Option<Code> {
        let (other, value) = match (&left.kind, &right.kind) {
            (ExpressionKind::Boolean(value), _) => (right, *value),
            (_, ExpressionKind::Boolean(value)) => (left, *value),
            _ => return None,
        };
        match comparison {
            Comparison::Equal if value => Some(self.compile(other)),
            Comparison::NotEqual if !value => Some(self.compile(other)),
            Comparison::Equal | Comparison::NotEqual => Some(self.not(other)),
            _ => None,
        }
    }

    /// `x == ""` and `x == []` are `x.is_empty()`.
    fn compare_with_empty(
        &self,
        comparison: Comparison,
        left: &Expression,
        right: &Expression,
    ) -> Option<Code> {
        let other = match (is_empty(left), is_empty(right)) {
            (true, _) => right,
            (_, true) => left,
            _ => return None,
        };
        let other = self.compile(other).operand(Level::Atom);
        let empty = Code::value(quote!(#other.is_empty()), true);
        match comparison {
            Comparison::Equal => Some(empty),
            Comparison::NotEqual => {
                let empty = empty.tokens;
                Some(Code::value(quote!(!#empty), true).at(Level::Unary))
            }
            _ => None,
        }
    }

    /// An optional as `Option<&T>`, text as `Option<&str>`.
    pub(crate) fn option_ref(&self, expression: &Expression, code: Code) -> TokenStream {
        let text = *inner_type(&expression.result) == Type::String;
        match &expression.kind {
            ExpressionKind::Some(inner) => {
                let inner = self.compile(inner);
                let inner = if text { inner.into_str() } else { inner.borrow() };
                quote!(Some(#inner))
            }
            _ if code.kind == Kind::OptionalText => code.tokens,
            _ if code.kind == Kind::OptionalReference => {
                let base = code.tokens;
                if text { quote!(#base.map(String::as_str)) } else { base }
            }
            _ => {
                let base = code.operand(Level::Atom);
                if text { quote!(#base.as_deref()) } else { quote!(#base.as_ref()) }
            }
        }
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
            ExpressionKind::Integer(value) if value >= 0 => tokens(&format!("{value}_i64")),
            _ => self.compile(expression).own(),
        }
    }

    fn match_arms(&self, subject: &Expression, arms: &[Arm], copy: bool) -> Code {
        let code = self.compile(subject);
        let (subject_tokens, local) = match code.kind {
            Kind::Place => (code.borrow(), Kind::Reference),
            Kind::Reference => (code.tokens, Kind::Reference),
            Kind::Owned => (code.operand(Level::Block), Kind::Place),
            Kind::Copy => (code.operand(Level::Block), Kind::Copy),
            Kind::OptionalReference => (code.tokens, Kind::Reference),
            Kind::OptionalText => (code.tokens, Kind::Text),
            Kind::Text => (code.tokens, Kind::Text),
        };
        // Where the optional is copied, so is what it holds; a reference to one of text is text.
        let arms = arms.iter().map(|arm| {
            let patterns = arm.patterns.iter().map(|it| self.pattern(it, &subject.result, local));
            let patterns = patterns.collect::<Vec<_>>();
            let body = self.value(&arm.body);
            quote!(#(#patterns)|* => #body)
        });
        let arms = arms.collect::<Vec<_>>();
        Code::value(quote!(match #subject_tokens { #(#arms,)* }), copy).at(Level::Block)
    }

    fn pattern(&self, pattern: &Pattern, subject: &Type, local: Kind) -> TokenStream {
        match pattern {
            Pattern::Variant(name) => {
                let (of, variant) = (self.enum_ident(subject), type_ident(name));
                quote!(#of::#variant)
            }
            Pattern::SomeVariant(name) => {
                let (of, variant) = (self.enum_ident(inner_type(subject)), type_ident(name));
                quote!(Some(#of::#variant))
            }
            Pattern::Some(name) => {
                self.bind(name, local);
                let ident = local_ident(name);
                quote!(Some(#ident))
            }
            Pattern::SomeAny => quote!(Some(_)),
            Pattern::None => quote!(None),
            Pattern::Any => quote!(_),
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

    fn format(&self, pieces: &[Piece]) -> Code {
        if let [Piece::Value(value)] = pieces {
            return self.shown_alone(value);
        }
        let mut text = String::new();
        let mut values = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(plain) => text.push_str(&plain.replace('{', "{{").replace('}', "}}")),
                Piece::Value(value) => match self.inlined(value) {
                    Some(name) => text.push_str(&format!("{{{name}}}")),
                    None => {
                        text.push_str("{}");
                        values.push(self.shown(value));
                    }
                },
            }
        }
        if values.is_empty() && !text.contains('{') && !text.contains('}') {
            return Code::text(quote!(#text));
        }
        Code::value(quote!(format!(#text #(, #values)*)), false)
    }

    /// A local that can stand in the format string itself.
    fn inlined(&self, value: &Expression) -> Option<String> {
        let ExpressionKind::Local(name) = &value.kind else { return None };
        let plain = !matches!(value.result, Type::Decimal(_) | Type::Optional(_));
        let ident = local_ident(name).to_string();
        (plain && !ident.starts_with("r#")).then_some(ident)
    }

    fn shown_alone(&self, value: &Expression) -> Code {
        match value.result {
            Type::String => self.compile(value),
            _ => {
                let shown = self.shown(value);
                Code::value(quote!(#shown.to_string()), false)
            }
        }
    }

    /// A value as an argument of `format!`, at the level of an atom.
    fn shown(&self, value: &Expression) -> TokenStream {
        let code = self.compile(value);
        match &value.result {
            Type::Decimal(_) => {
                let value = code.operand(Level::Atom);
                quote!(#value.normalize())
            }
            Type::Optional(inner) if **inner == Type::String => {
                let value = self.option_ref(value, code);
                quote!(__or_none(#value))
            }
            Type::Optional(inner) => {
                let value = if is_copy(inner) {
                    code.operand(Level::Atom)
                } else {
                    self.option_ref(value, code)
                };
                match **inner {
                    Type::Decimal(_) => quote!(__or_none(#value.map(|value| value.normalize()))),
                    _ => quote!(__or_none(#value)),
                }
            }
            _ => code.operand(Level::Atom),
        }
    }
}

/// `name: value`, or the short form where both are one identifier.
pub(crate) fn field_init(name: &str, value: &TokenStream) -> TokenStream {
    let field = field_ident(name);
    if field == value.to_string() { quote!(#field) } else { quote!(#field: #value) }
}

/// `a && b` or `a || b`
fn joined(logic: Logic, left: Code, right: Code) -> Code {
    let (level, operator) = match logic {
        Logic::And => (Level::And, quote!(&&)),
        Logic::Or => (Level::Or, quote!(||)),
    };
    let (left, right) = (left.operand(level), right.operand(level));
    Code::value(quote!(#left #operator #right), true).at(level)
}

fn is_empty(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::String(text) => text.is_empty(),
        ExpressionKind::List(items) => items.is_empty(),
        _ => false,
    }
}

/// The type within an optional.
pub(crate) fn inner_type(of: &Type) -> &Type {
    match of {
        Type::Optional(inner) => inner,
        other => other,
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}

fn integer(value: i64) -> Code {
    let tokens = match value {
        i64::MIN => quote!(i64::MIN),
        _ => grouped(value),
    };
    Code::value(tokens, true).at(if value < 0 { Level::Unary } else { Level::Literal })
}

/// A number with `_` between groups of three digits.
pub(crate) fn grouped(value: i64) -> TokenStream {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && digits.len() > 4 {
            text.push('_');
        }
        text.push(digit);
    }
    let sign = if value < 0 { "-" } else { "" };
    tokens(&format!("{sign}{text}"))
}

fn decimal(text: &str) -> Code {
    match text {
        "0" => Code::value(quote!(__Decimal::ZERO), true),
        "1" => Code::value(quote!(__Decimal::ONE), true),
        text => {
            let (sign, digits) = match text.strip_prefix('-') {
                Some(digits) => (quote!(-), digits),
                None => (TokenStream::new(), text),
            };
            let level = if sign.is_empty() { Level::Atom } else { Level::Unary };
            let literal = tokens(digits);
            Code::value(quote!(#sign __dec!(#literal)), true).at(level)
        }
    }
}

fn date(text: &str) -> TokenStream {
    let parts = text.splitn(3, '-').map(|part| match part.trim_start_matches('0') {
        "" => tokens("0"),
        part => tokens(part),
    });
    quote!(__date(#(#parts),*))
}

fn uuid(text: &str) -> TokenStream {
    let literal = tokens(&format!("0x{}", text.replace('-', "_")));
    quote!(__Uuid::from_u128(#literal))
}

fn tokens(text: &str) -> TokenStream {
    text.parse()
        .unwrap_or_else(|error| unreachable!("`{text}` from the model is no literal: {error}"))
}
