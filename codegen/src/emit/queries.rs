//! What is asked of a read model's rows: a trait with a function per query and index, for the runtime's
//! `ReadModel` of the rows.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::conditions::Asked;
use super::expression::{Compiler, Kind};
use super::figures;
use super::layout::{self, Part};
use super::names::{field_ident, function_ident, local_ident};
use super::projections::{ReadModel, to_value};
use super::types::is_copy;
use crate::model::{Expression, ExpressionKind, Field, Projection, Query, Scope, Summary, Type};
use crate::naming;

/// `AccountBalanceViewQueries`
pub(crate) fn trait_ident(model: &ReadModel<'_>) -> Ident {
    format_ident!("{}Queries", model.ident)
}

/// Whether anything is asked.
pub(crate) fn has_queries(projection: &Projection) -> bool {
    !projection.indexes.is_empty() || !projection.queries.is_empty()
}

/// The trait and its implementation.
pub(crate) fn items(model: &ReadModel<'_>) -> Vec<Part> {
    if !has_queries(model.projection) {
        return Vec::new();
    }
    let name = trait_ident(model);
    let docs = layout::doc(&format!(
        "What is asked of the rows of {}: functions of its `ReadModel`.",
        layout::link(&model.ident)
    ));
    let (key, row) = (model.key_type(), &model.row);
    let functions = functions(model);
    let declared = functions.iter().map(|it| vec![it.declared()]).collect();
    let defined = functions.iter().map(|it| vec![it.defined()]).collect();
    let head = quote! {
        impl<__P: __Projection<Key = #key, Row = #row>, __D: __ReadDatabase> #name
            for __ReadModel<__P, __D>
    };
    let mut parts = figures::items(model);
    parts.push(layout::block(&quote!(#docs pub trait #name), declared));
    parts.push(layout::block(&head, defined));
    parts
}

/// A function of the trait.
struct Function {
    docs: String,
    name: Ident,
    parameters: Vec<(Ident, TokenStream)>,
    /// What it gives.
    gives: TokenStream,
    body: TokenStream,
}

impl Function {
    fn head(&self) -> (TokenStream, TokenStream) {
        let (name, gives) = (&self.name, &self.gives);
        let parameters = self.parameters.iter().map(|(name, of)| quote!(, #name: #of));
        (quote!(#name(&self #(#parameters)*)), quote!(Result<#gives, __ReadModelError>))
    }

    fn declared(&self) -> TokenStream {
        let (head, result) = self.head();
        let docs = layout::doc(&self.docs);
        quote!(#docs fn #head -> impl __Future<Output = #result> + __Send;)
    }

    fn defined(&self) -> TokenStream {
        let (head, result) = self.head();
        let body = &self.body;
        quote!(async fn #head -> #result { #body })
    }
}

fn functions(model: &ReadModel<'_>) -> Vec<Function> {
    let indexes = model.projection.indexes.iter().map(|columns| by_index(model, columns));
    let queries = model.projection.queries.iter().map(|query| by_query(model, query));
    indexes.chain(queries).collect()
}

/// `find_by_status_and_updated_at`
pub(crate) fn index_function(columns: &[String]) -> Ident {
    let columns: Vec<String> = columns.iter().map(|column| naming::snake(column)).collect();
    function_ident("find_by", &columns.join("_and_"))
}

/// The columns of an index, as the table has them.
pub(crate) fn indexed<'m>(model: &ReadModel<'m>, columns: &[String]) -> Vec<&'m Field> {
    let all = model.projection.columns.as_deref().unwrap_or_default();
    columns.iter().filter_map(|name| all.iter().find(|column| column.name == *name)).collect()
}

fn by_index(model: &ReadModel<'_>, columns: &[String]) -> Function {
    let columns = indexed(model, columns);
    let fields: Vec<Field> = columns.iter().map(|column| (*column).clone()).collect();
    let inputs = Inputs::new(model, &fields);
    let equal = columns.iter().map(|column| {
        let (name, value) =
            (&column.name, Asked { compiler: &inputs.compiler }.value(&inputs.read(column)));
        quote!(__Condition::equal(#name, #value))
    });
    let equal: Vec<TokenStream> = equal.collect();
    let key = model.key_type();
    let after = match model.key_columns().as_slice() {
        [only] => {
            let value = to_value(&only.field_type, &quote!(key), true);
            quote!(vec![#value])
        }
        _ => quote!(__P::key_values(key)),
    };
    let mut parameters = inputs.parameters();
    let limit = limit_ident(&parameters);
    let given = if limit == "limit" { quote!(limit) } else { quote!(limit: #limit) };
    parameters.push((format_ident!("after"), quote!(Option<&#key>)));
    parameters.push((limit.clone(), quote!(usize)));
    let named: Vec<String> = columns.iter().map(|it| layout::code(&it.name)).collect();
    let docs = format!(
        "At most `{limit}` rows of which {} as given, in the order of their keys. Start with none, and go on \
         after the last row's key.\n\n# Errors\nWhere the rows can't be read.",
        if named.len() == 1 {
            format!("{} is", named[0])
        } else {
            format!("{} are", named.join(", "))
        }
    );
    let query = quote!(__Query {
        condition: __Condition::All(vec![
            #(#equal,)*
            after.map_or(__Condition::Always(true), |key| __Condition::After(#after)),
        ]),
        order: Vec::new(),
        offset: 0,
        #given,
    });
    let row = &model.row;
    Function {
        docs,
        name: index_function(&columns.iter().map(|it| it.name.clone()).collect::<Vec<_>>()),
        parameters,
        gives: quote!(Vec<#row>),
        body: quote!(let query = #query; self.find(query).await),
    }
}

/// How many rows at most: beside a column `limit` under a name that no column's parameter has, as `after`
/// has one anyway.
fn limit_ident(parameters: &[(Ident, TokenStream)]) -> Ident {
    let is_taken = parameters.iter().any(|(name, _)| name == "limit");
    format_ident!("{}", if is_taken { "limit_" } else { "limit" })
}

fn by_query(model: &ReadModel<'_>, query: &Query) -> Function {
    let inputs = Inputs::new(model, &query.input);
    let condition = match &query.condition {
        Some(condition) => Asked { compiler: &inputs.compiler }.condition(&condition.asked),
        None => quote!(__Condition::Always(true)),
    };
    let row = &model.row;
    let (gives, body) = match &query.summary {
        None => {
            let order = order(query, |column, direction| quote!(__Order::#direction(#column)));
            let (offset, limit) = part(&inputs, query);
            let query = quote!(__Query {
                condition: #condition,
                order: #order,
                offset: #offset,
                limit: #limit,
            });
            (quote!(Vec<#row>), quote!(let query = #query; self.find(query).await))
        }
        Some(summary) => asked_figures(model, query, summary, &inputs, &condition),
    };
    Function {
        docs: docs(query),
        name: field_ident(&query.name),
        parameters: inputs.parameters(),
        gives,
        body,
    }
}

/// A function that gives figures: its result and its body.
fn asked_figures(
    model: &ReadModel<'_>,
    query: &Query,
    summary: &Summary,
    inputs: &Inputs<'_>,
    condition: &TokenStream,
) -> (TokenStream, TokenStream) {
    let ident = figures::ident(model, query);
    let all = figures::constants(summary);
    let Some(groups) = &summary.groups else {
        return (quote!(#ident), quote!(self.find_total(#condition, vec![#(#all),*]).await));
    };
    let order = order(query, |figure, direction| {
        let place = summary.figures.iter().position(|known| known.field.name == figure);
        let place = Literal::usize_unsuffixed(place.unwrap_or_default());
        quote!(__FigureOrder::#direction(#place))
    });
    let (offset, limit) = part(inputs, query);
    let summary = quote!(__Summary {
        condition: #condition,
        groups: Some(vec![#(#groups),*]),
        figures: vec![#(#all),*],
        order: #order,
        offset: #offset,
        limit: #limit,
    });
    (quote!(Vec<#ident>), quote!(let summary = #summary; self.find_groups(summary).await))
}

fn order(query: &Query, by: impl Fn(&str, Ident) -> TokenStream) -> TokenStream {
    let order = query.order.iter().map(|order| by(&order.column, direction(order.descending)));
    let order: Vec<TokenStream> = order.collect();
    if order.is_empty() { quote!(Vec::new()) } else { quote!(vec![#(#order),*]) }
}

/// Offset and limit.
fn part(inputs: &Inputs<'_>, query: &Query) -> (TokenStream, TokenStream) {
    let offset = query.offset.as_ref().map_or(quote!(0), |it| inputs.count("offset", it));
    (offset, inputs.count("limit", &query.limit))
}

fn direction(descending: bool) -> Ident {
    format_ident!("{}", if descending { "descending" } else { "ascending" })
}

fn docs(query: &Query) -> String {
    let name = layout::code(&query.name);
    let groups = query.summary.as_ref().map(|summary| summary.groups.as_deref());
    let mut text = match (&query.description, groups) {
        (Some(description), _) => layout::prose(description),
        (None, None) => format!("The rows of the query {name}."),
        (None, Some(None)) => format!("The figures of the query {name}."),
        (None, Some(Some(groups))) => {
            let groups: Vec<String> = groups.iter().map(|column| layout::code(column)).collect();
            format!("The figures of the query {name}, for each {}.", groups.join(" and "))
        }
    };
    if let Some(condition) = &query.condition {
        let written = condition.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let of = if groups.is_some() { "Of the rows" } else { "Those" };
        text.push_str(&format!("\n\n{of} of which {}.", layout::code(&written)));
    }
    let negative = query.reads_count().then_some(", or a number of rows is negative");
    let overflow = groups.map(|_| ", or a figure leaves the range of its type");
    let other = [overflow, negative].into_iter().flatten().collect::<String>();
    text.push_str(&format!("\n\n# Errors\nWhere the rows can't be read{other}."));
    text
}

/// The parameters of a function, as expressions read them.
struct Inputs<'m> {
    model: &'m ReadModel<'m>,
    fields: &'m [Field],
    compiler: Compiler<'m>,
}

impl<'m> Inputs<'m> {
    fn new(model: &'m ReadModel<'m>, fields: &'m [Field]) -> Self {
        let parameters = fields.iter().map(|field| (field.name.clone(), kind(&field.field_type)));
        let compiler = Compiler::new(&model.view.types, []).with_parameters(parameters);
        Self { model, fields, compiler }
    }

    fn parameters(&self) -> Vec<(Ident, TokenStream)> {
        let parameter =
            |field: &Field| (local_ident(&field.name), self.borrowed(&field.field_type));
        self.fields.iter().map(parameter).collect()
    }

    /// A type as a function takes it: nothing is cloned for a caller.
    fn borrowed(&self, of: &Type) -> TokenStream {
        match of {
            of if is_copy(of) => self.model.view.types.rust(of),
            Type::String => quote!(&str),
            Type::Optional(inner) => {
                let inner = self.borrowed(inner);
                quote!(Option<#inner>)
            }
            of => {
                let of = self.model.view.types.rust(of);
                quote!(&#of)
            }
        }
    }

    fn read(&self, field: &Field) -> Expression {
        let kind = ExpressionKind::Read(Scope::Input, field.name.clone());
        Expression { kind, result: field.field_type.clone() }
    }

    /// A number of rows; a negative one is an error.
    fn count(&self, what: &str, count: &Expression) -> TokenStream {
        if let ExpressionKind::Integer(number) = count.kind
            && let Ok(number) = usize::try_from(number)
        {
            let number = Literal::usize_unsuffixed(number);
            return quote!(#number);
        }
        let count = self.compiler.value(count);
        quote!(__number_of_rows(#what, #count)?)
    }
}

fn kind(of: &Type) -> Kind {
    match of {
        of if is_copy(of) => Kind::Copy,
        Type::String => Kind::Text,
        Type::Optional(inner) if **inner == Type::String => Kind::OptionalText,
        Type::Optional(_) => Kind::OptionalReference,
        _ => Kind::Reference,
    }
}
