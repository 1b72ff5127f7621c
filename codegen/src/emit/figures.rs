//! What queries work out of rows: a type for each, and how it is asked for.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::layout::{self, Part};
use super::names::{field_ident, type_ident};
use super::projections::{ReadModel, column_constant, taken};
use crate::model::{Field, Figure, FigureOf, Query, Summary};

/// `SalesByDay` of the query `byDay` of `Sales`.
pub(crate) fn ident(model: &ReadModel<'_>, query: &Query) -> Ident {
    format_ident!("{}{}", model.ident, type_ident(&query.name))
}

/// The types of all queries that work something out.
pub(super) fn items(model: &ReadModel<'_>) -> Vec<Part> {
    let queries = model.projection.queries.iter();
    let working_out = queries.filter_map(|query| Some((query, query.summary.as_ref()?)));
    working_out.flat_map(|(query, summary)| of_query(model, query, summary)).collect()
}

fn of_query(model: &ReadModel<'_>, query: &Query, summary: &Summary) -> [Part; 2] {
    let ident = ident(model, query);
    let docs = layout::doc(&format!(
        "What the query {} of {} works out.",
        layout::code(&query.name),
        layout::link(&model.ident)
    ));
    let fields = summary.figures.iter().map(|figure| {
        let docs = layout::doc(&layout::code(&format!("{}: {}", figure.field.name, text(figure))));
        let (name, of) =
            (field_ident(&figure.field.name), model.view.types.rust(&figure.field.field_type));
        quote!(#docs pub #name: #of)
    });
    let structure = quote! {
        #docs #[derive(Clone, Debug, PartialEq)] pub struct #ident { #(#fields,)* }
    };
    let fields: Vec<&Field> = summary.figures.iter().map(|figure| &figure.field).collect();
    let columns = fields.iter().map(|field| column_constant(field));
    let taken = taken(fields.iter().copied());
    let members = vec![
        vec![quote!(const COLUMNS: &'static [__Column] = &[#(#columns),*];)],
        vec![quote! {
            fn from_values(values: Vec<__Value>) -> Result<Self, __DecodeError> {
                let mut values = __Values::new(values, Self::COLUMNS);
                Ok(Self { #taken })
            }
        }],
    ];
    [layout::item(structure), layout::block(&quote!(impl __Figures for #ident), members)]
}

/// As the ontology writes it.
fn text(figure: &Figure) -> String {
    match &figure.of {
        FigureOf::Column(column) => column.clone(),
        FigureOf::Count => "count()".to_owned(),
        FigureOf::Sum(column) => format!("sum({column})"),
        FigureOf::Min(column) => format!("min({column})"),
        FigureOf::Max(column) => format!("max({column})"),
        FigureOf::Average(column, scale) => format!("average({column}, {scale})"),
    }
}

/// As read databases are asked for them.
pub(crate) fn constants(summary: &Summary) -> Vec<TokenStream> {
    let constant = |figure: &Figure| match &figure.of {
        FigureOf::Column(column) => quote!(__Figure::Column(#column)),
        FigureOf::Count => quote!(__Figure::Count),
        FigureOf::Sum(column) => quote!(__Figure::Sum(#column)),
        FigureOf::Min(column) => quote!(__Figure::Min(#column)),
        FigureOf::Max(column) => quote!(__Figure::Max(#column)),
        FigureOf::Average(column, scale) => {
            let scale = Literal::u32_unsuffixed(*scale);
            quote!(__Figure::Average(#column, #scale))
        }
    };
    summary.figures.iter().map(constant).collect()
}
