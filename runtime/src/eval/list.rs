//! Methods that go through a list with a function.
//!
//! Where the function can't fail, generated code uses the standard library's iterators. What stands here
//! is what those don't have: functions that can fail (`try_…`), of which the first failure is the whole's,
//! and results that are exact. The items are whatever an iterator hands out, values or references.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::{Add, EvalError};

/// A count as an integer of the language.
pub fn counted(count: usize) -> i64 {
    // Nothing in memory has more items than an i64 can count.
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The values added one after the other, from zero.
///
/// # Errors
/// [`EvalError::Overflow`] for the first sum that does not fit its type.
pub fn summed<T: Add<Sum = T> + Default>(
    values: impl IntoIterator<Item = T>,
) -> Result<T, EvalError> {
    values.into_iter().try_fold(T::default(), T::add)
}

/// The values added one after the other, from zero, where a value itself can fail.
///
/// # Errors
/// The first value's that fails, or [`EvalError::Overflow`] for the first sum that does not fit its type.
pub fn try_summed<T: Add<Sum = T> + Default>(
    values: impl IntoIterator<Item = Result<T, EvalError>>,
) -> Result<T, EvalError> {
    values.into_iter().try_fold(T::default(), |sum, value| sum.add(value?))
}

/// Whether the condition holds for an item; those behind the first are not asked.
///
/// # Errors
/// The condition's.
pub fn try_any<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(T) -> Result<bool, EvalError>,
) -> Result<bool, EvalError> {
    for item in items {
        if condition(item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the condition holds for every item; those behind the first for which it doesn't are not asked.
///
/// # Errors
/// The condition's.
pub fn try_all<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(T) -> Result<bool, EvalError>,
) -> Result<bool, EvalError> {
    try_any(items, |item| condition(item).map(|holds| !holds)).map(|broken| !broken)
}

/// The items for which the condition holds.
///
/// # Errors
/// The condition's.
pub fn try_filtered<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(&T) -> Result<bool, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let mut kept = Vec::new();
    for item in items {
        if condition(&item)? {
            kept.push(item);
        }
    }
    Ok(kept)
}

/// The first item for which the condition holds; those behind it are not asked.
///
/// # Errors
/// The condition's.
pub fn try_find<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(&T) -> Result<bool, EvalError>,
) -> Result<Option<T>, EvalError> {
    for item in items {
        if condition(&item)? {
            return Ok(Some(item));
        }
    }
    Ok(None)
}

/// The index of the first item for which the condition holds, counted from 0.
///
/// # Errors
/// The condition's.
pub fn try_position<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(T) -> Result<bool, EvalError>,
) -> Result<Option<i64>, EvalError> {
    for (index, item) in (0..).zip(items) {
        if condition(item)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// The items in the order of their keys; those of one key stay as they were.
pub fn sorted_by<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    key: impl FnMut(&T) -> K,
) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_by_cached_key(key);
    items
}

/// The items in the order of their keys, the greatest first; those of one key stay as they were.
pub fn sorted_by_desc<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> K,
) -> Vec<T> {
    sorted_by(items, |item| Reverse(key(item)))
}

/// [`sorted_by`] keys that can fail.
///
/// # Errors
/// The first key's that fails.
pub fn try_sorted_by<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    key: impl FnMut(&T) -> Result<K, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let mut keyed = keyed(items, key)?;
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

/// [`sorted_by_desc`] with keys that can fail.
///
/// # Errors
/// The first key's that fails.
pub fn try_sorted_by_desc<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> Result<K, EvalError>,
) -> Result<Vec<T>, EvalError> {
    try_sorted_by(items, |item| key(item).map(Reverse))
}

/// The item with the smallest key, of several the first.
///
/// # Errors
/// The first key's that fails.
pub fn try_min_by<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    key: impl FnMut(&T) -> Result<K, EvalError>,
) -> Result<Option<T>, EvalError> {
    let least = keyed(items, key)?.into_iter().min_by(|(a, _), (b, _)| a.cmp(b));
    Ok(least.map(|(_, item)| item))
}

/// The item with the greatest key, of several the last.
///
/// # Errors
/// The first key's that fails.
pub fn try_max_by<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    key: impl FnMut(&T) -> Result<K, EvalError>,
) -> Result<Option<T>, EvalError> {
    let greatest = keyed(items, key)?.into_iter().max_by(|(a, _), (b, _)| a.cmp(b));
    Ok(greatest.map(|(_, item)| item))
}

/// Each item with its key.
fn keyed<T, K>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> Result<K, EvalError>,
) -> Result<Vec<(K, T)>, EvalError> {
    items.into_iter().map(|item| Ok((key(&item)?, item))).collect()
}

/// The items without those that equal an earlier one, of which there can be many.
pub fn distinct<T: Ord + Clone>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(|item| seen.insert(item.clone())).collect()
}

/// The items without those that equal an earlier one, where nothing but that can be asked of them: each is
/// compared with all that are kept.
pub fn distinct_records<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

/// The items without the first for which the condition holds.
pub fn without_first<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(&T) -> bool,
) -> Vec<T> {
    let mut items = items.into_iter();
    let mut rest = Vec::new();
    for item in items.by_ref() {
        if condition(&item) {
            break;
        }
        rest.push(item);
    }
    rest.extend(items);
    rest
}

/// [`without_first`] with a condition that can fail.
///
/// # Errors
/// The condition's.
pub fn try_without_first<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(&T) -> Result<bool, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let mut items = items.into_iter();
    let mut rest = Vec::new();
    for item in items.by_ref() {
        if condition(&item)? {
            break;
        }
        rest.push(item);
    }
    rest.extend(items);
    Ok(rest)
}

/// The items, with a new one for each for which the condition holds.
pub fn replaced_where<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(&T) -> bool,
    mut new: impl FnMut(&T) -> T,
) -> Vec<T> {
    let replaced = |item: T| if condition(&item) { new(&item) } else { item };
    items.into_iter().map(replaced).collect()
}

/// [`replaced_where`] with functions that can fail.
///
/// # Errors
/// That of the first that fails.
pub fn try_replaced_where<T>(
    items: impl IntoIterator<Item = T>,
    mut condition: impl FnMut(&T) -> Result<bool, EvalError>,
    mut new: impl FnMut(&T) -> Result<T, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let replaced = |item: T| if condition(&item)? { new(&item) } else { Ok(item) };
    items.into_iter().map(replaced).collect()
}

/// The items, with the first that has the key of `item` merged; where none has, with `item` at the end.
pub fn upserted_by<T, K: PartialEq>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> K,
    item: T,
    merged: impl FnOnce(&T) -> T,
) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    let wanted = key(&item);
    match items.iter_mut().find(|old| key(old) == wanted) {
        Some(old) => *old = merged(old),
        None => items.push(item),
    }
    items
}

/// [`upserted_by`] with functions that can fail.
///
/// # Errors
/// That of the first that fails.
pub fn try_upserted_by<T, K: PartialEq>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> Result<K, EvalError>,
    item: T,
    merged: impl FnOnce(&T) -> Result<T, EvalError>,
) -> Result<Vec<T>, EvalError> {
    let mut items: Vec<T> = items.into_iter().collect();
    let wanted = key(&item)?;
    for old in &mut items {
        if key(old)? == wanted {
            *old = merged(old)?;
            return Ok(items);
        }
    }
    items.push(item);
    Ok(items)
}

/// Under each key the items that have it, in their order.
pub fn grouped_by<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> K,
) -> BTreeMap<K, Vec<T>> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for item in items {
        groups.entry(key(&item)).or_default().push(item);
    }
    groups
}

/// [`grouped_by`] keys that can fail.
///
/// # Errors
/// The first key's that fails.
pub fn try_grouped_by<T, K: Ord>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> Result<K, EvalError>,
) -> Result<BTreeMap<K, Vec<T>>, EvalError> {
    let mut groups: BTreeMap<K, Vec<T>> = BTreeMap::new();
    for item in items {
        groups.entry(key(&item)?).or_default().push(item);
    }
    Ok(groups)
}

/// Under the key of each item its value, of several items with one key that of the last.
pub fn entries_by<T, K: Ord, V>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> K,
    mut value: impl FnMut(T) -> V,
) -> BTreeMap<K, V> {
    items.into_iter().map(|item| (key(&item), value(item))).collect()
}

/// [`entries_by`] keys and values that can fail.
///
/// # Errors
/// That of the first that fails.
pub fn try_entries_by<T, K: Ord, V>(
    items: impl IntoIterator<Item = T>,
    mut key: impl FnMut(&T) -> Result<K, EvalError>,
    mut value: impl FnMut(T) -> Result<V, EvalError>,
) -> Result<BTreeMap<K, V>, EvalError> {
    items.into_iter().map(|item| Ok((key(&item)?, value(item)?))).collect()
}
