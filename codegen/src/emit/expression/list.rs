//! Methods that go through a list: chains of iterators, collected once at their end.
//!
//! What can't fail is an iterator of the standard library; where a function can fail, the first failure ends
//! the whole, by a `try_…` of the runtime's `eval` or by collecting a `Result`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::function::{Function, Handed};
use super::{Code, Compiler, Kind, Level};
use crate::emit::types::is_copy;
use crate::model::{Expression, ExpressionKind, Method, Type};

/// An iterator over a list.
pub(super) struct Items {
    pub(super) tokens: TokenStream,
    /// What it hands out.
    pub(super) handed: Handed,
    /// Whether references that it hands out live longer than the expression.
    lasting: bool,
    /// The list itself, where it has just been made and holds what is handed out.
    list: Option<TokenStream>,
}

impl Items {
    /// The items of a list that nobody else has.
    fn of_list(list: TokenStream, handed: Handed, lasting: bool) -> Self {
        Self { tokens: quote!(#list.into_iter()), handed, lasting, list: Some(list) }
    }

    /// Fewer of these, or in another order.
    fn with(self, tokens: TokenStream) -> Self {
        Self { tokens, list: None, ..self }
    }

    /// The items of a list that holds values.
    fn of_owned(list: TokenStream) -> Self {
        Self::of_list(list, Handed::Value, false)
    }

    /// Values that each call makes.
    fn of_values(tokens: TokenStream) -> Self {
        Self { tokens, handed: Handed::Value, lasting: false, list: None }
    }

    /// All of them as a list of values.
    fn collected(self, item: &Type) -> TokenStream {
        match self.list {
            Some(list) if self.handed == Handed::Value => list,
            _ => {
                let items = self.values(item);
                quote!(#items.collect::<Vec<_>>())
            }
        }
    }

    /// The items for a function of the runtime, which takes a list as well as an iterator.
    pub(super) fn argument(&self) -> TokenStream {
        self.list.clone().unwrap_or_else(|| self.tokens.clone())
    }

    /// The items as values, for a function of the runtime.
    pub(super) fn all_values(self, item: &Type) -> TokenStream {
        match self.handed {
            Handed::Value => self.argument(),
            _ => self.values(item),
        }
    }

    /// An optional item of these.
    fn one(&self, optional: TokenStream, item: &Type) -> Code {
        match (self.handed, is_copy(item), self.lasting) {
            (Handed::Value, copy, _) => Code::value(optional, copy),
            (_, true, _) => Code::value(quote!(#optional.copied()), true),
            (_, false, true) => Code::optional_reference(optional),
            (_, false, false) => Code::value(quote!(#optional.cloned()), false),
        }
    }

    /// The iterator, of values and not of references.
    pub(super) fn values(self, item: &Type) -> TokenStream {
        let items = self.tokens;
        match (self.handed, is_copy(item)) {
            (Handed::Value, _) => items,
            (_, true) => quote!(#items.copied()),
            (_, false) => quote!(#items.cloned()),
        }
    }
}

/// The type of the elements of a list or the members of a set.
pub(super) fn element_of(list: &Expression) -> &Type {
    match &list.result {
        Type::List(item) | Type::Set(item) => item,
        other => unreachable!("the elements of {other:?}"),
    }
}

/// Whether the Rust type has an order, be it one that the language doesn't know.
fn has_order(of: &Type) -> bool {
    match of {
        Type::Record(_) | Type::Bytes => false,
        Type::List(inner) | Type::Optional(inner) => has_order(inner),
        _ => true,
    }
}

impl Compiler<'_> {
    /// Goes through a list without collecting what comes between.
    pub(super) fn items(&self, list: &Expression) -> Items {
        match &list.kind {
            ExpressionKind::Call(method, inner, arguments) => self
                .chained(*method, inner, arguments)
                .unwrap_or_else(|| self.items_of(self.compile(list))),
            _ => self.items_of(self.compile(list)),
        }
    }

    fn items_of(&self, list: Code) -> Items {
        match list.kind {
            Kind::Owned => Items::of_owned(list.operand(Level::Atom)),
            Kind::Items => {
                let items = list.tokens.clone();
                let items = Items::of_values(quote!(#items.into_iter()));
                Items { list: Some(list.own()), ..items }
            }
            _ => {
                let list = list.operand(Level::Atom);
                let tokens = quote!(#list.iter());
                Items { tokens, handed: Handed::Reference, lasting: true, list: None }
            }
        }
    }

    /// A method that gives a list, as an iterator; none for one that is no link of a chain.
    fn chained(
        &self,
        method: Method,
        list: &Expression,
        arguments: &[Expression],
    ) -> Option<Items> {
        Some(match method {
            Method::ListFilter => self.filtered(self.items(list), &arguments[0], false),
            Method::ListRemoveWhere => self.filtered(self.items(list), &arguments[0], true),
            Method::ListRemoveFirst => {
                self.kept_by(self.items(list), &arguments[0], "without_first")
            }
            Method::ListSortBy => self.kept_by(self.items(list), &arguments[0], "sorted_by"),
            Method::ListSortByDesc => {
                self.kept_by(self.items(list), &arguments[0], "sorted_by_desc")
            }
            Method::ListDistinct => {
                let items = self.items(list);
                let all = items.argument();
                let distinct = match has_order(element_of(list)) {
                    true => quote!(__distinct(#all)),
                    false => quote!(__distinct_records(#all)),
                };
                Items::of_list(distinct, items.handed, items.lasting)
            }
            Method::ListMap => {
                let items = self.items(list);
                let function = self.function(&arguments[0], &[items.handed]);
                mapped(&items.tokens, function)
            }
            Method::ListEnumerate => {
                let items = self.items(list);
                let handed = [Handed::Value, items.handed];
                let function = self.function(&arguments[0], &handed).of_pair();
                let items = items.tokens;
                mapped(&quote!((0_i64..).zip(#items)), function)
            }
            Method::ListFlatMap => {
                let items = self.items(list);
                let function = self.function(&arguments[0], &[items.handed]);
                if function.fallible {
                    let lists = mapped(&items.tokens, function).tokens;
                    return Some(Items::of_values(quote!(#lists.flatten())));
                }
                let (items, function) = (items.tokens, function.closure());
                Items::of_values(quote!(#items.flat_map(#function)))
            }
            Method::ListReplaceWhere => Items::of_owned(self.replaced(list, arguments)),
            Method::ListUpsertBy => Items::of_owned(self.upserted(list, arguments)),
            _ => return None,
        })
    }

    /// The items for which the condition holds, or doesn't.
    pub(super) fn filtered(&self, items: Items, condition: &Expression, negated: bool) -> Items {
        let function = self.condition_on(condition, items.handed.shown(), negated);
        let fallible = function.fallible;
        let condition = function.closure();
        if fallible {
            let all = items.argument();
            let kept = quote!(__try_filtered(#all, #condition)?);
            return Items::of_list(kept, items.handed, items.lasting);
        }
        let all = &items.tokens;
        let kept = quote!(#all.filter(#condition));
        items.with(kept)
    }

    /// A condition, or its opposite, as a closure that is shown a reference; none where it can fail.
    pub(crate) fn condition_on_reference(
        &self,
        condition: &Expression,
        negated: bool,
    ) -> Option<TokenStream> {
        let function = self.condition_on(condition, Handed::Reference, negated);
        (!function.fallible).then(|| function.closure())
    }

    fn condition_on(&self, condition: &Expression, handed: Handed, negated: bool) -> Function {
        self.function_of(condition, &[handed], |compiler, body| {
            if negated { compiler.not(body) } else { compiler.compile(body) }
        })
    }

    /// What a function of the runtime makes of the items, in a list.
    fn kept_by(&self, items: Items, function: &Expression, plain: &str) -> Items {
        let function = self.function(function, &[items.handed.shown()]);
        let (all, fallible) = (items.argument(), function.fallible);
        let function = function.closure();
        let list = if fallible {
            let by = format_ident!("__try_{plain}");
            quote!(#by(#all, #function)?)
        } else {
            let by = format_ident!("__{plain}");
            quote!(#by(#all, #function))
        };
        Items::of_list(list, items.handed, items.lasting)
    }

    fn replaced(&self, list: &Expression, arguments: &[Expression]) -> TokenStream {
        let values = self.items(list).all_values(element_of(list));
        let condition = self.function(&arguments[0], &[Handed::Reference]);
        let new = self.function(&arguments[1], &[Handed::Reference]);
        let fallible = condition.fallible || new.fallible;
        let condition = condition.closure_that_is(fallible);
        let new = new.closure_that_is(fallible);
        if fallible {
            quote!(__try_replaced_where(#values, #condition, #new)?)
        } else {
            quote!(__replaced_where(#values, #condition, #new))
        }
    }

    fn upserted(&self, list: &Expression, arguments: &[Expression]) -> TokenStream {
        let values = self.items(list).all_values(element_of(list));
        let key = self.function(&arguments[0], &[Handed::Reference]);
        let item = self.value(&arguments[1]);
        let merged = self.function(&arguments[2], &[Handed::Reference]);
        let fallible = key.fallible || merged.fallible;
        let (key, merged) = (key.closure_that_is(fallible), merged.closure_that_is(fallible));
        if fallible {
            quote!(__try_upserted_by(#values, #key, #item, #merged)?)
        } else {
            quote!(__upserted_by(#values, #key, #item, #merged))
        }
    }

    /// A method that goes through a list.
    pub(super) fn list_method(
        &self,
        method: Method,
        list: &Expression,
        arguments: &[Expression],
        result: &Type,
    ) -> Code {
        match method {
            Method::ListAny => self.any(list, &arguments[0]),
            Method::ListAll => self.all(list, &arguments[0]),
            Method::ListGroupBy => self.grouped(list, &arguments[0]),
            Method::ListToMap => self.entries_of(list, arguments),
            Method::ListCount => self.list_count(list, &arguments[0]),
            Method::ListSum => {
                let values = self.items(list).all_values(element_of(list));
                self.checked(&quote!(__summed(#values)), true)
            }
            Method::ListSumOf => {
                let items = self.items(list);
                let function = self.function(&arguments[0], &[items.handed]);
                let sum = if function.fallible { quote!(__try_summed) } else { quote!(__summed) };
                let (items, function) = (items.tokens, function.closure());
                self.checked(&quote!(#sum(#items.map(#function))), true)
            }
            Method::ListFold => self.list_fold(list, &arguments[0], &arguments[1], result),
            Method::ListFind => {
                self.list_one(list, &arguments[0], &quote!(find), &quote!(__try_find))
            }
            Method::ListMinBy => {
                self.list_one(list, &arguments[0], &quote!(min_by_key), &quote!(__try_min_by))
            }
            Method::ListMaxBy => {
                self.list_one(list, &arguments[0], &quote!(max_by_key), &quote!(__try_max_by))
            }
            Method::ListMin => self.list_edge(list, &quote!(min())),
            Method::ListMax => self.list_edge(list, &quote!(max())),
            Method::ListPosition => self.list_position(list, &arguments[0]),
            _ => {
                let chained = self.chained(method, list, arguments);
                let items = chained.unwrap_or_else(|| unreachable!("{method:?} gives no list"));
                let item = match result {
                    Type::List(item) => item,
                    other => unreachable!("{method:?} gives {other:?}"),
                };
                Code::value(items.collected(item), false)
            }
        }
    }

    /// Whether a condition holds for an element of a list or set.
    pub(super) fn any(&self, all: &Expression, condition: &Expression) -> Code {
        self.list_test(all, condition, &quote!(any), &quote!(__try_any))
    }

    /// Whether a condition holds for all elements of a list or set.
    pub(super) fn all(&self, all: &Expression, condition: &Expression) -> Code {
        self.list_test(all, condition, &quote!(all), &quote!(__try_all))
    }

    fn list_test(
        &self,
        list: &Expression,
        condition: &Expression,
        plain: &TokenStream,
        fallible: &TokenStream,
    ) -> Code {
        let items = self.items(list);
        let function = self.function(condition, &[items.handed]);
        let can_fail = function.fallible;
        let condition = function.closure();
        if can_fail {
            let all = items.argument();
            return self.checked(&quote!(#fallible(#all, #condition)), true);
        }
        let items = items.tokens;
        Code::value(quote!(#items.#plain(#condition)), true)
    }

    fn list_count(&self, list: &Expression, condition: &Expression) -> Code {
        let items = self.items(list);
        let function = self.function(condition, &[items.handed.shown()]);
        let fallible = function.fallible;
        let condition = function.closure();
        let count = if fallible {
            let all = items.argument();
            quote!(__try_filtered(#all, #condition)?.len())
        } else {
            let items = items.tokens;
            quote!(#items.filter(#condition).count())
        };
        Code::value(quote!(__counted(#count)), true)
    }

    /// One item that a function chooses.
    fn list_one(
        &self,
        list: &Expression,
        function: &Expression,
        plain: &TokenStream,
        fallible: &TokenStream,
    ) -> Code {
        let items = self.items(list);
        let function = self.function(function, &[items.handed.shown()]);
        let can_fail = function.fallible;
        let function = function.closure();
        let found = if can_fail {
            let all = items.argument();
            quote!(#fallible(#all, #function)?)
        } else {
            let tokens = &items.tokens;
            quote!(#tokens.#plain(#function))
        };
        items.one(found, element_of(list))
    }

    fn list_edge(&self, list: &Expression, call: &TokenStream) -> Code {
        let items = self.items(list);
        let tokens = &items.tokens;
        let found = quote!(#tokens.#call);
        items.one(found, element_of(list))
    }

    fn list_position(&self, list: &Expression, condition: &Expression) -> Code {
        let items = self.items(list);
        let function = self.function(condition, &[items.handed]);
        let fallible = function.fallible;
        let condition = function.closure();
        if fallible {
            let all = items.argument();
            return self.checked(&quote!(__try_position(#all, #condition)), true);
        }
        let items = items.tokens;
        Code::value(quote!(#items.position(#condition).map(__counted)), true)
    }

    fn list_fold(
        &self,
        list: &Expression,
        start: &Expression,
        function: &Expression,
        result: &Type,
    ) -> Code {
        let items = self.items(list);
        let start = self.compile(start).own();
        let function = self.function(function, &[Handed::Value, items.handed]);
        let items = items.tokens;
        if function.fallible {
            let function = function.closure_of_result();
            return Code::value(quote!(#items.try_fold(#start, #function)?), is_copy(result));
        }
        let function = function.closure();
        Code::value(quote!(#items.fold(#start, #function)), is_copy(result))
    }
}

/// Values that a function makes, of which the first failure is the whole's.
fn mapped(items: &TokenStream, function: Function) -> Items {
    let fallible = function.fallible;
    let function = function.closure();
    if !fallible {
        return Items::of_values(quote!(#items.map(#function)));
    }
    Items::of_owned(quote! {
        #items.map(#function).collect::<Result<Vec<_>, __EvalError>>()?
    })
}
