//! The methods of the language: a method of the standard library where one means the same, else a
//! function of the runtime's `eval`.

use proc_macro2::TokenStream;
use quote::quote;

use super::function::Handed;
use super::{Code, Compiler, Kind, Level};
use crate::model::{Expression, ExpressionKind, Method, Rounding, Type};

/// The method that answers the opposite.
pub(super) fn opposite(method: Method) -> Option<Method> {
    match method {
        Method::IsSome => Some(Method::IsNone),
        Method::IsNone => Some(Method::IsSome),
        _ => None,
    }
}

/// Whether what a list holds can be referred to after it: not in a temporary one.
pub(super) fn is_lasting(list: &Code) -> bool {
    !matches!(list.kind, Kind::Owned | Kind::Items)
}

impl Compiler<'_> {
    pub(super) fn call(
        &self,
        method: Method,
        receiver: &Expression,
        arguments: &[Expression],
        result: &Type,
    ) -> Code {
        let copy = super::is_copy(result);
        match method {
            Method::StringLen | Method::ListLen | Method::SetLen | Method::MapLen => {
                let value = self.compile(receiver);
                let value = match value.kind {
                    Kind::Items | Kind::Array => {
                        let array = value.tokens;
                        quote!(#array.as_slice())
                    }
                    _ => value.borrow(),
                };
                Code::value(quote!(__length(#value)), true)
            }
            Method::StringIsEmpty
            | Method::ListIsEmpty
            | Method::SetIsEmpty
            | Method::MapIsEmpty => self.plain(receiver, quote!(is_empty()), true),
            Method::SetContains
            | Method::SetInsert
            | Method::SetRemove
            | Method::SetUnion
            | Method::SetIntersection
            | Method::SetDifference
            | Method::SetAny
            | Method::SetAll
            | Method::SetFilter => self.set_call(method, receiver, arguments),
            Method::MapGet
            | Method::MapInsert
            | Method::MapRemove
            | Method::MapContainsKey
            | Method::MapKeys
            | Method::MapValues
            | Method::MapMapValues
            | Method::MapFilter => self.map_call(method, receiver, arguments, copy),
            Method::StringTrim => {
                let value = self.compile(receiver).operand(Level::Atom);
                Code::text(quote!(#value.trim()))
            }
            Method::StringToLowercase => self.plain(receiver, quote!(to_lowercase()), false),
            Method::StringStartsWith => self.text_test(receiver, quote!(starts_with), arguments),
            Method::StringEndsWith => self.text_test(receiver, quote!(ends_with), arguments),
            Method::StringContains => self.text_test(receiver, quote!(contains), arguments),
            Method::StringConcat => {
                let (a, b) = (self.compile(receiver).borrow(), self.borrowed(arguments, 0));
                Code::value(quote!(__joined(#a, #b)), false)
            }
            Method::StringReplace => {
                let (from, to) = (self.borrowed(arguments, 0), self.borrowed(arguments, 1));
                self.plain(receiver, quote!(replace(#from, #to)), false)
            }
            Method::Abs if matches!(result, Type::Decimal(_)) => {
                self.plain(receiver, quote!(abs()), true)
            }
            Method::Abs => {
                let value = self.argument(receiver);
                self.checked(&quote!(__abs(#value)), true)
            }
            Method::Min => self.extreme(receiver, &quote!(min), arguments, result),
            Method::Max => self.extreme(receiver, &quote!(max), arguments, result),
            Method::Clamp => {
                let value = self.argument(receiver);
                let (low, high) =
                    (self.own_argument(arguments, 0), self.own_argument(arguments, 1));
                Code::value(quote!(__clamp(#value, #low, #high)), true)
            }
            Method::ToDecimal => {
                let value = self.argument(receiver);
                Code::value(quote!(__Decimal::from(#value)), true)
            }
            Method::Round => {
                let (value, scale) = (self.argument(receiver), self.own_argument(arguments, 0));
                self.checked(&quote!(__round(#value, #scale)), true)
            }
            Method::Div(rounding) => {
                let value = self.argument(receiver);
                let (by, scale) =
                    (self.own_argument(arguments, 0), self.own_argument(arguments, 1));
                let rounding = match rounding {
                    Rounding::HalfEven => quote!(__Rounding::HalfEven),
                    Rounding::HalfUp => quote!(__Rounding::HalfUp),
                };
                self.checked(&quote!(__div(#value, #by, #scale, #rounding)), true)
            }
            Method::ToInteger => {
                let value = self.argument(receiver);
                self.checked(&quote!(__to_integer(#value)), true)
            }
            Method::IsSomeAnd | Method::AndThen | Method::OptionalMap => {
                self.optional_function(method, receiver, &arguments[0], copy)
            }
            Method::ListAny
            | Method::ListAll
            | Method::ListCount
            | Method::ListFilter
            | Method::ListMap
            | Method::ListSum
            | Method::ListSumOf
            | Method::ListRemoveWhere
            | Method::ListRemoveFirst
            | Method::ListReplaceWhere
            | Method::ListUpsertBy
            | Method::ListMin
            | Method::ListMax
            | Method::ListMinBy
            | Method::ListMaxBy
            | Method::ListSortBy
            | Method::ListSortByDesc
            | Method::ListFlatMap
            | Method::ListFold
            | Method::ListFind
            | Method::ListPosition
            | Method::ListEnumerate
            | Method::ListDistinct
            | Method::ListGroupBy
            | Method::ListToMap => self.list_method(method, receiver, arguments, result),
            Method::StringMatches => {
                let (pattern, text) = (self.pattern_of(arguments), self.compile(receiver).borrow());
                Code::value(quote!(#pattern.matches(#text)), true)
            }
            Method::StringReplaceMatching => {
                let (pattern, text) = (self.pattern_of(arguments), self.compile(receiver).borrow());
                let new = self.borrowed(arguments, 1);
                Code::value(quote!(#pattern.replace_all(#text, #new)), false)
            }
            Method::IsSome => self.plain(receiver, quote!(is_some()), true),
            Method::IsNone => self.plain(receiver, quote!(is_none()), true),
            Method::UnwrapOr => self.unwrap_or(receiver, &arguments[0], copy),
            Method::Or => self.or(receiver, &arguments[0], copy),
            Method::ListContains => self.list_contains(receiver, &arguments[0]),
            Method::ListPush => {
                let list = self.value(receiver);
                let item = self.own_argument(arguments, 0);
                Code::value(quote!(__pushed(#list, #item)), false)
            }
            Method::ListExtend => {
                let list = self.value(receiver);
                let items = self.own_argument(arguments, 0);
                Code::value(quote!(__extended(#list, #items)), false)
            }
            Method::ListFirst => self.list_item(receiver, &quote!(first()), copy),
            Method::ListLast => self.list_item(receiver, &quote!(last()), copy),
            Method::ListGet => {
                let (list, index) = (self.compile(receiver), self.own_argument(arguments, 0));
                let lasting = is_lasting(&list);
                let list = list.slice();
                Self::item_code(&quote!(__item(#list, #index)), lasting, copy)
            }
            Method::TimestampDate => self.plain(receiver, quote!(date()), true),
            Method::DurationDays => self.span_in(receiver, &quote!(__days)),
            Method::DurationHours => self.span_in(receiver, &quote!(__hours)),
            Method::DurationMinutes => self.span_in(receiver, &quote!(__minutes)),
            Method::DurationSeconds => self.span_in(receiver, &quote!(__seconds)),
        }
    }

    pub(super) fn plain(&self, receiver: &Expression, call: TokenStream, copy: bool) -> Code {
        let receiver = self.compile(receiver).operand(Level::Atom);
        Code::value(quote!(#receiver.#call), copy)
    }

    /// The less or the greater of two. Of an integer Rust may not know yet which it is, and asks no method of
    /// it before it does.
    fn extreme(
        &self,
        receiver: &Expression,
        which: &TokenStream,
        arguments: &[Expression],
        result: &Type,
    ) -> Code {
        let other = self.own_argument(arguments, 0);
        if *result == Type::Integer && !has_its_type(receiver) {
            let value = self.argument(receiver);
            return Code::value(quote!(i64::#which(#value, #other)), true);
        }
        self.plain(receiver, quote!(#which(#other)), true)
    }

    fn text_test(
        &self,
        receiver: &Expression,
        name: TokenStream,
        arguments: &[Expression],
    ) -> Code {
        let argument = self.borrowed(arguments, 0);
        self.plain(receiver, quote!(#name(#argument)), true)
    }

    pub(super) fn borrowed(&self, arguments: &[Expression], at: usize) -> TokenStream {
        self.compile(&arguments[at]).borrow()
    }

    pub(super) fn own_argument(&self, arguments: &[Expression], at: usize) -> TokenStream {
        self.value(&arguments[at])
    }

    /// A pattern for text, compiled at its first use.
    fn pattern_of(&self, arguments: &[Expression]) -> TokenStream {
        match &arguments[0].kind {
            ExpressionKind::String(pattern) => quote!(__pattern!(#pattern)),
            other => unreachable!("a pattern that is not written out: {other:?}"),
        }
    }

    fn span_in(&self, receiver: &Expression, unit: &TokenStream) -> Code {
        let span = self.compile(receiver).own();
        Code::value(quote!(#unit(#span)), true)
    }

    fn list_item(&self, receiver: &Expression, which: &TokenStream, copy: bool) -> Code {
        let list = self.compile(receiver);
        let lasting = is_lasting(&list);
        let list = list.operand(Level::Atom);
        Self::item_code(&quote!(#list.#which), lasting, copy)
    }

    /// What an `Option<&T>` into a list is: a copy, a reference, or of a temporary list a clone.
    pub(super) fn item_code(item: &TokenStream, lasting: bool, copy: bool) -> Code {
        match (copy, lasting) {
            (true, _) => Code::value(quote!(#item.copied()), true),
            (false, true) => Code::optional_reference(item.clone()),
            (false, false) => Code::value(quote!(#item.cloned()), false),
        }
    }

    fn list_contains(&self, receiver: &Expression, item: &Expression) -> Code {
        let list = self.compile(receiver).operand(Level::Atom);
        let item = self.compile(item);
        if item.kind == Kind::Text {
            let item = item.tokens;
            return Code::value(quote!(#list.iter().any(|item| item == #item)), true);
        }
        let item =
            if item.kind == Kind::OptionalText { Code::value(item.own(), false) } else { item };
        let item = item.into_list().borrow();
        Code::value(quote!(#list.contains(#item)), true)
    }

    /// `a.unwrap_or(b)`: `b` is evaluated only where it is needed.
    fn unwrap_or(&self, receiver: &Expression, default: &Expression, copy: bool) -> Code {
        let optional = self.compile(receiver);
        let (other, fallible) = self.compile_noting(default);
        if fallible {
            let (optional, other) = (optional.own(), other.own());
            let code = quote!(match #optional { Some(value) => value, None => #other });
            return Code::value(code, copy).at(Level::Block);
        }
        if other.kind == Kind::Text {
            let (optional, other) = (self.option_ref(receiver, optional), other.tokens);
            return Code::text(quote!(#optional.unwrap_or(#other)));
        }
        let optional = optional.owned_operand();
        let cheap = copy && !matches!(other.level, Level::Block);
        let other = other.own();
        if super::condition::is_empty(default) {
            Code::value(quote!(#optional.unwrap_or_default()), copy)
        } else if cheap {
            Code::value(quote!(#optional.unwrap_or(#other)), copy)
        } else {
            Code::value(quote!(#optional.unwrap_or_else(|| #other)), copy)
        }
    }

    /// `a.or(b)`: `b` is evaluated only where it is needed.
    fn or(&self, receiver: &Expression, other: &Expression, copy: bool) -> Code {
        let optional = self.compile(receiver);
        let (code, fallible) = self.compile_noting(other);
        if fallible {
            let (optional, other) = (optional.own(), code.own());
            let code = quote!(match #optional { Some(value) => Some(value), None => #other });
            return Code::value(code, copy).at(Level::Block);
        }
        if other.kind == ExpressionKind::None {
            return Code::value(optional.clone().own(), copy).at(optional.level);
        }
        let optional = optional.owned_operand();
        let cheap = copy && !matches!(code.level, Level::Block);
        let other = code.own();
        if cheap {
            Code::value(quote!(#optional.or(#other)), copy)
        } else {
            Code::value(quote!(#optional.or_else(|| #other)), copy)
        }
    }

    /// `a.map(|x| …)` and its kin; a `match` where the function can fail.
    fn optional_function(
        &self,
        method: Method,
        receiver: &Expression,
        function: &Expression,
        copy: bool,
    ) -> Code {
        let (optional, handed) = self.handing(receiver);
        let function = self.function(function, &[handed]);
        if !function.fallible {
            let name = match method {
                Method::IsSomeAnd => quote!(is_some_and),
                Method::AndThen => quote!(and_then),
                _ => quote!(map),
            };
            let function = function.closure();
            return Code::value(quote!(#optional.#name(#function)), copy);
        }
        let (pattern, body) = (function.pattern(), function.body.own());
        let (present, absent) = match method {
            Method::IsSomeAnd => (body, quote!(false)),
            Method::AndThen => (body, quote!(None)),
            _ => (quote!(Some(#body)), quote!(None)),
        };
        let code = quote!(match #optional { Some(#pattern) => #present, None => #absent });
        Code::value(code, copy).at(Level::Block)
    }

    /// An optional whose value a method takes, and how it hands it on.
    fn handing(&self, optional: &Expression) -> (TokenStream, Handed) {
        let code = self.compile(optional);
        let text = *super::inner_type(&optional.result) == Type::String;
        match code.kind {
            Kind::Copy | Kind::Owned => (code.operand(Level::Atom), Handed::Value),
            Kind::OptionalText => (code.tokens, Handed::Text),
            _ if text => (self.option_ref(optional, code), Handed::Text),
            _ => (self.option_ref(optional, code), Handed::Reference),
        }
    }
}

/// Whether Rust knows the type of the value by itself.
fn has_its_type(value: &Expression) -> bool {
    match &value.kind {
        ExpressionKind::Read(..) | ExpressionKind::Field(..) | ExpressionKind::Meta(_) => true,
        ExpressionKind::Call(Method::Min | Method::Max, receiver, _) => has_its_type(receiver),
        _ => false,
    }
}
