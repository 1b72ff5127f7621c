//! What is asked of rows, as the harness checks it: the query's function beside its expression.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::super::expression::{Compiler, field_init};
use super::super::figures;
use super::super::layout::{self, Part};
use super::super::mentions;
use super::super::names::{field_ident, type_ident};
use super::super::projections::ReadModel;
use super::super::queries::{index_function, indexed};
use super::super::types::is_copy;
use super::super::view::View;
use super::knowledge::{Names, drawn};
use super::themes::{Test, projection_type};
use crate::model::{Expression, Field, Projection, Query, Scope, Summary, Type};
use crate::naming;

/// The items and tests of a projection's queries and indexes.
pub(super) fn of(
    view: &View<'_>,
    names: &Names,
    projection: &Projection,
) -> (Vec<Part>, Vec<Test>) {
    let ident = type_ident(&projection.name);
    let model = ReadModel {
        view,
        projection,
        row: format_ident!("{ident}Row"),
        handler: format_ident!("{ident}Handler"),
        ident,
    };
    let indexes = projection.indexes.iter().map(|columns| by_index(&model, columns));
    let queries = projection.queries.iter().map(|query| by_query(&model, query));
    let (mut parts, mut tests) = (Vec::new(), Vec::new());
    for asked in indexes.chain(queries) {
        let (items, test) = asked.items(&model, names);
        parts.extend(items);
        tests.push(test);
    }
    (parts, tests)
}

/// A query or an index.
struct Asked<'q> {
    function: Ident,
    says: String,
    inputs: Vec<Field>,
    /// The columns whose values an input is often one of.
    met: Vec<(&'q str, &'q str)>,
    /// Whether an input is a number of rows.
    counts: Vec<&'q Expression>,
    holds: TokenStream,
    order: TokenStream,
    part: TokenStream,
    paged: bool,
    /// What is worked out of the rows, and its type.
    figures: Option<(Ident, &'q Summary)>,
}

fn by_index<'q>(model: &ReadModel<'q>, columns: &'q [String]) -> Asked<'q> {
    let fields = indexed(model, columns);
    let equal = fields.iter().map(|field| {
        let field = field_ident(&field.name);
        quote!(row.#field == input.#field)
    });
    let equal: Vec<TokenStream> = equal.collect();
    Asked {
        function: index_function(columns),
        says: format!("the index {}", columns.join(", ")),
        inputs: fields.into_iter().cloned().collect(),
        met: columns.iter().map(|column| (column.as_str(), column.as_str())).collect(),
        counts: Vec::new(),
        holds: quote!(#(#equal)&&*),
        order: quote!(&[]),
        part: quote!((0, i64::MAX)),
        paged: true,
        figures: None,
    }
}

fn by_query<'q>(model: &ReadModel<'q>, query: &'q Query) -> Asked<'q> {
    let scopes = [(Scope::Row, quote!(row)), (Scope::Input, quote!(input))];
    let compiler = Compiler::new(&model.view.types, scopes);
    let holds = match &query.condition {
        Some(condition) => compiler.condition(&condition.meaning),
        None => quote!(true),
    };
    let order = query.order.iter().map(|order| {
        let (column, descending) = (&order.column, order.descending);
        let Some(summary) = &query.summary else {
            return quote!(__Order { column: #column, descending: #descending });
        };
        let place = summary.figures.iter().position(|figure| figure.field.name == *column);
        let figure = Literal::usize_unsuffixed(place.unwrap_or_default());
        quote!(__FigureOrder { figure: #figure, descending: #descending })
    });
    let order: Vec<TokenStream> = order.collect();
    let count = |count: &Expression| {
        let count = compiler.compile(count).own();
        quote!(#count)
    };
    let (offset, limit) = (query.offset.as_ref().map_or(quote!(0), count), count(&query.limit));
    let conditions = query.condition.iter();
    Asked {
        function: field_ident(&query.name),
        says: format!("the query {}", query.name),
        inputs: query.input.clone(),
        met: conditions.flat_map(|condition| condition.asked.compared()).collect(),
        counts: query.offset.iter().chain([&query.limit]).collect(),
        holds,
        order: quote!(&[#(#order),*]),
        part: quote!((#offset, #limit)),
        paged: false,
        figures: query.summary.as_ref().map(|summary| (figures::ident(model, query), summary)),
    }
}

impl Asked<'_> {
    fn items(&self, model: &ReadModel<'_>, names: &Names) -> (Vec<Part>, Test) {
        let function = self.function.to_string().replace("r#", "");
        let name = naming::rust_type(&function);
        let asked = names.free(&format!("{}{name}", model.ident));
        let input = names.free(&format!("{}{name}Input", model.ident));
        let docs = layout::doc(&format!("Of {}: {}.", layout::link(&model.ident), self.says));
        let fields = self.inputs.iter().map(|field| {
            let (name, of) = (field_ident(&field.name), model.view.types.rust(&field.field_type));
            quote!(#name: #of)
        });
        let fields: Vec<TokenStream> = fields.collect();
        let parts = vec![
            layout::item(quote!(#docs #[derive(Clone, Copy, Debug)] struct #asked;)),
            layout::item(quote!(#[derive(Clone, Debug)] struct #input { #(#fields,)* })),
            layout::block(
                &match self.figures {
                    None => quote!(impl testing::harness::queries::Asked for #asked),
                    Some(_) => quote!(impl testing::harness::figures::WorkedOut for #asked),
                },
                self.functions(model, names, &input),
            ),
        ];
        let (subject, says) = (
            &names.subject,
            match self.figures {
                None => "finds_what_it_says",
                Some(_) => "works_out_what_it_says",
            },
        );
        let (test, check) = (format!("{function}_{says}"), format_ident!("{says}"));
        (parts, (test, quote!(theme::#check::<#subject, #asked, _>)))
    }

    fn functions(
        &self,
        model: &ReadModel<'_>,
        names: &Names,
        input: &Ident,
    ) -> Vec<Vec<TokenStream>> {
        let row = &model.row;
        let projection = projection_type(model.projection, names);
        let says = &self.says;
        let (holds, part, function) = (&self.holds, &self.part, &self.function);
        let draws: Vec<TokenStream> = self.inputs.iter().map(|it| self.draw(model, it)).collect();
        let arguments: Vec<TokenStream> = self.inputs.iter().map(argument).collect();
        let own = |code: &TokenStream, name: &str| match mentions(code, name) {
            true => format_ident!("{name}"),
            false => format_ident!("_{name}"),
        };
        let (of_row, of_input, of_part) =
            (own(holds, "row"), own(holds, "input"), own(part, "input"));
        let drawn = quote!(#input { #(#draws,)* });
        let (draw, rows) = (own(&drawn, "draw"), own(&drawn, "rows"));
        let paging = self.paged.then(|| quote!(after, limit));
        let asked = quote!(rows.#function(#(#arguments,)* #paging).await);
        let given = own(&asked, "input");
        let mut head = vec![
            quote!(type Projection = #projection;),
            quote!(type Input = #input;),
            quote!(const SAYS: &'static str = #says;),
        ];
        let ask = match &self.figures {
            None => self.asks_rows(model, &projection, &given, &asked, &mut head),
            Some(figures) => self.asks_figures(figures, &projection, &given, &asked, &mut head),
        };
        vec![
            head,
            vec![quote! {
                fn draw(#draw: &mut testing::Draw, #rows: &[#row]) -> #input { #drawn }
            }],
            vec![quote! {
                fn holds(#of_row: &#row, #of_input: &#input) -> Result<bool, __EvalError> { Ok(#holds) }
            }],
            vec![quote! {
                fn part(#of_part: &#input) -> Result<(i64, i64), __EvalError> { Ok(#part) }
            }],
            vec![ask],
        ]
    }

    /// What tells of rows, and how they are asked for.
    fn asks_rows(
        &self,
        model: &ReadModel<'_>,
        projection: &TokenStream,
        given: &Ident,
        asked: &TokenStream,
        head: &mut Vec<TokenStream>,
    ) -> TokenStream {
        let (row, key, order, paged) = (&model.row, model.key_type(), &self.order, self.paged);
        head.push(quote!(const ORDER: &'static [__Order] = #order;));
        head.push(quote!(const PAGED: bool = #paged;));
        let of_page = |name: &str| format_ident!("{}{name}", if paged { "" } else { "_" });
        let (after, limit) = (of_page("after"), of_page("limit"));
        quote! {
            async fn ask<__D: __ReadDatabase>(
                rows: &__ReadModel<#projection, __D>,
                #given: &Self::Input,
                #after: Option<&#key>,
                #limit: usize,
            ) -> Result<Vec<#row>, __ReadModelError> { #asked }
        }
    }

    /// What tells of figures, and how they are asked for.
    fn asks_figures(
        &self,
        (ident, summary): &(Ident, &Summary),
        projection: &TokenStream,
        given: &Ident,
        asked: &TokenStream,
        head: &mut Vec<TokenStream>,
    ) -> TokenStream {
        let (figures, order) = (figures::constants(summary), &self.order);
        let groups = match &summary.groups {
            Some(groups) => quote!(Some(&[#(#groups),*])),
            None => quote!(None),
        };
        head.insert(2, quote!(type Figures = #ident;));
        head.push(quote!(const GROUPS: Option<&'static [&'static str]> = #groups;));
        head.push(quote!(const FIGURES: &'static [__Figure] = &[#(#figures),*];));
        head.push(quote!(const ORDER: &'static [__FigureOrder] = #order;));
        let asked = match &summary.groups {
            Some(_) => asked.clone(),
            None => quote!(#asked.map(|found| vec![found])),
        };
        quote! {
            async fn ask<__D: __ReadDatabase>(
                rows: &__ReadModel<#projection, __D>,
                #given: &Self::Input,
            ) -> Result<Vec<#ident>, __ReadModelError> { #asked }
        }
    }

    fn is_count(&self, field: &Field) -> bool {
        field.field_type == Type::Integer
            && self.counts.iter().any(|count| count.reads(Scope::Input, &field.name))
    }

    /// An input: often what stands in a row.
    fn draw(&self, model: &ReadModel<'_>, field: &Field) -> TokenStream {
        let columns = model.projection.columns.as_deref().unwrap_or_default();
        let met = self.met.iter().find(|(_, input)| *input == field.name);
        let met = met.and_then(|(column, _)| columns.iter().find(|it| it.name == *column));
        let met = met.filter(|column| inner(&column.field_type) == inner(&field.field_type));
        let Some(column) = met else {
            let drawn = drawn(model.view, &field.field_type);
            // Of few rows there are few parts.
            return field_init(
                &field.name,
                &match self.is_count(field) {
                    true => quote!(draw.often(&[0, 1, 2, 3], |draw| #drawn)),
                    false => drawn,
                },
            );
        };
        let (place, value) =
            (field_ident(&column.name), drawn(model.view, inner(&field.field_type)));
        let known = match column.field_type {
            Type::Optional(_) => quote!(rows.iter().filter_map(|row| row.#place.clone())),
            _ => quote!(rows.iter().map(|row| row.#place.clone())),
        };
        let often = quote!(draw.often(&#known.collect::<Vec<_>>(), |draw| #value));
        let often = match field.field_type {
            Type::Optional(_) => quote!(draw.optional(|draw| #often)),
            _ => often,
        };
        field_init(&field.name, &often)
    }
}

fn inner(of: &Type) -> &Type {
    match of {
        Type::Optional(inner) => inner,
        of => of,
    }
}

/// An input as the function takes it.
fn argument(field: &Field) -> TokenStream {
    let name = field_ident(&field.name);
    match &field.field_type {
        of if is_copy(of) => quote!(input.#name),
        Type::Optional(inner) if **inner == Type::String => quote!(input.#name.as_deref()),
        Type::Optional(_) => quote!(input.#name.as_ref()),
        _ => quote!(&input.#name),
    }
}
