//! Rows that are folded by hand.
//!
//! Such a fold may change its row and then fail; here it works on a copy, so that an error leaves the
//! row as it was.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Column, ColumnType, ProjectionError, Value, Values};
use crate::codec::{DecodeError, custom};

/// A row of a type of the user's own, kept under a key as JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomRow<R> {
    /// The key.
    pub key: String,
    /// The row.
    pub row: R,
    /// The row as JSON, made when it was folded: a row that is no JSON is an error of its event.
    json: String,
}

impl<R: Clone + PartialEq + Serialize + DeserializeOwned> CustomRow<R> {
    /// The columns: the key, and the row as JSON.
    pub const COLUMNS: &'static [Column] = &[
        Column { name: "key", column_type: ColumnType::Text, optional: false },
        Column { name: "row", column_type: ColumnType::Json, optional: false },
    ];

    /// Folds by hand into the row of a key.
    ///
    /// # Errors
    /// Those of `fold`, and [`ProjectionError::Custom`] for a row that is no JSON, or is read as another one or
    /// as none from its JSON: that is what all later events of the key are folded into, and what readers get.
    pub fn fold(
        row: &mut Option<Self>,
        key: String,
        fold: impl FnOnce(&mut Option<R>) -> Result<(), ProjectionError>,
    ) -> Result<(), ProjectionError> {
        let mut changed = row.as_ref().map(|row| row.row.clone());
        fold(&mut changed)?;
        *row = changed.map(|changed| Self::new(key, changed)).transpose()?;
        Ok(())
    }

    fn new(key: String, row: R) -> Result<Self, ProjectionError> {
        let refused =
            |reason| ProjectionError::Custom(format!("the row of `{key}` can't be kept: {reason}"));
        let mut json = Vec::new();
        custom::write(&row, &mut json).map_err(refused)?;
        let json = String::from_utf8(json).map_err(|error| refused(error.to_string()))?;
        Ok(Self { key, row, json })
    }

    /// The values of the columns.
    pub fn values(&self) -> Vec<Value> {
        vec![Value::Text(self.key.clone()), Value::Json(self.json.clone())]
    }

    /// The row of these values.
    ///
    /// # Errors
    /// [`DecodeError`] where they are not such a row.
    pub fn from_values(values: Vec<Value>) -> Result<Self, DecodeError> {
        let mut values = Values::new(values, Self::COLUMNS);
        let key = values.take()?;
        let json = values.take_json_text()?;
        let row = serde_json::from_str(&json).map_err(DecodeError::invalid)?;
        Ok(Self { key, row, json })
    }
}

/// Folds by hand into a row with columns.
///
/// # Errors
/// Those of `fold`.
pub fn fold_custom<R: Clone>(
    row: &mut Option<R>,
    fold: impl FnOnce(&mut Option<R>) -> Result<(), ProjectionError>,
) -> Result<(), ProjectionError> {
    let mut changed = row.clone();
    fold(&mut changed)?;
    *row = changed;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn push(row: &mut Option<Vec<i64>>, item: i64) -> Result<(), ProjectionError> {
        row.get_or_insert_default().push(item);
        if item < 0 { Err(ProjectionError::Custom("negative".to_owned())) } else { Ok(()) }
    }

    #[test]
    fn a_failing_fold_leaves_the_row_as_it_was() {
        let mut row = None;
        fold_custom(&mut row, |row| push(row, 1)).unwrap();
        fold_custom(&mut row, |row| push(row, -1)).unwrap_err();
        assert_eq!(row, Some(vec![1]));
        let mut row = None;
        CustomRow::fold(&mut row, "k".to_owned(), |row| push(row, 1)).unwrap();
        CustomRow::fold(&mut row, "k".to_owned(), |row| push(row, -1)).unwrap_err();
        assert_eq!(row.as_ref().map(|row| row.row.clone()), Some(vec![1]));
        CustomRow::fold(&mut row, "k".to_owned(), |row| {
            *row = None;
            Ok(())
        })
        .unwrap();
        assert_eq!(row, None);
    }

    #[test]
    fn a_row_comes_back_from_its_values() {
        let mut row = None;
        CustomRow::fold(&mut row, "k".to_owned(), |row| push(row, 7)).unwrap();
        let row = row.unwrap();
        assert_eq!(row.values(), [Value::Text("k".to_owned()), Value::Json("[7]".to_owned())]);
        assert_eq!(CustomRow::from_values(row.values()).unwrap(), row);
        let wrong = vec![Value::Text("k".to_owned()), Value::Json("{}".to_owned())];
        assert!(CustomRow::<Vec<i64>>::from_values(wrong).is_err());
    }

    /// A map whose keys are lists has no form in JSON: that must be an error of the event and not an
    /// empty row in the read model.
    #[test]
    fn a_row_that_is_no_json_is_an_error() {
        let mut row = None;
        let error = CustomRow::fold(&mut row, "k".to_owned(), |row| {
            *row = Some(BTreeMap::from([(vec![1], 2)]));
            Ok(())
        })
        .unwrap_err();
        let told = error.to_string();
        assert!(told.contains("`k` can't be kept: it can't be written as JSON"), "{told}");
        assert_eq!(row, None);
    }

    /// A row that its JSON does not tell whole was kept all the same: the next event was folded into another row,
    /// but only once the runner had been started anew, and that other row was what readers saw.
    #[test]
    fn a_row_that_is_another_one_when_it_is_read_is_an_error() {
        type Answers = Vec<Option<Option<i64>>>;
        let mut row: Option<CustomRow<Answers>> = None;
        let fold = |answer| {
            move |row: &mut Option<Answers>| {
                row.get_or_insert_default().push(answer);
                Ok(())
            }
        };
        CustomRow::fold(&mut row, "k".to_owned(), fold(Some(Some(1)))).unwrap();
        let before = row.clone();
        let error = CustomRow::fold(&mut row, "k".to_owned(), fold(Some(None))).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("`k` can't be kept: its JSON is read as something else"), "{told}");
        assert_eq!(row, before);
    }
}
