//! `indexes`: columns by which rows are found fast.

use super::Projecting;
use super::key::{KEPT_AS_JSON, is_json};
use crate::catalogue::projections::{COLUMN_TYPE, INDEX};
use crate::diagnostic::Diagnostic;
use crate::resolve::assign::unknown;
use crate::resolve::fields::Fields;
use crate::syntax::Text;

/// The columns of each index.
pub(super) fn resolve(
    this: &Projecting<'_>,
    findings: &mut Vec<Diagnostic>,
) -> Option<Vec<Vec<String>>> {
    let written = &this.syntax.indexes;
    let Some(columns) = this.columns else { return Some(Vec::new()) };
    let mut sound = true;
    for (at, index) in written.iter().enumerate() {
        let fits = index.iter().map(|column| is_column(this, columns, column, findings));
        sound &= fits.fold(true, |all, fits| all & fits);
        sound &= each_once(index, findings) & is_of_use(this, &written[..at], index, findings);
    }
    let names = |index: &Vec<Text>| index.iter().map(|column| column.value.clone()).collect();
    sound.then(|| written.iter().map(names).collect())
}

fn is_column(
    this: &Projecting<'_>,
    columns: &Fields,
    column: &Text,
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let Some(found) = columns.get(&column.value) else {
        findings.push(unknown(column, &format!("`{}`", this.name.value), columns));
        return false;
    };
    let Some(of) = &found.field_type else { return false };
    if !is_json(of) {
        return true;
    }
    let shown = this.declared.types.show(of);
    let title = format!("a column of `{shown}` cannot be indexed");
    let refused = Diagnostic::error(&COLUMN_TYPE, title, column.span, format!("this is `{shown}`"));
    let refused = refused.place(found.span, "the column").note(KEPT_AS_JSON);
    findings.push(refused.help("give what rows are to be found by a column of its own"));
    false
}

fn each_once(index: &[Text], findings: &mut Vec<Diagnostic>) -> bool {
    for (at, column) in index.iter().enumerate() {
        if let Some(first) = index[..at].iter().find(|first| first.value == column.value) {
            let title = format!("`{}` stands twice in one index", column.value);
            let found = Diagnostic::error(&INDEX, title, column.span, "again");
            findings.push(found.place(first.span, "first").help("remove one of the two"));
            return false;
        }
    }
    true
}

/// Whether it finds anything that the key, or an index before it, does not.
fn is_of_use(
    this: &Projecting<'_>,
    before: &[Vec<Text>],
    index: &[Text],
    findings: &mut Vec<Diagnostic>,
) -> bool {
    let Some(first) = index.first() else { return true };
    let values = |index: &[Text]| index.iter().map(|it| it.value.clone()).collect::<Vec<_>>();
    if let Some(same) = before.iter().find(|other| values(other) == values(index)) {
        let title = "an index stands twice";
        let found = Diagnostic::error(&INDEX, title, first.span, "again");
        let other = same.first().map_or(first.span, |column| column.span);
        findings.push(found.place(other, "first").help("remove one of the two"));
        return false;
    }
    let key = super::key::columns(this);
    let is_key = index.len() <= key.len() && index.iter().zip(&key).all(|(a, b)| a.value == **b);
    if is_key {
        let title = "the key finds these rows already";
        let found = Diagnostic::error(&INDEX, title, first.span, "where the key begins");
        findings.push(found.help("remove it: rows lie in the order of their keys"));
    }
    !is_key
}
