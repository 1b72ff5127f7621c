//! Texts and lists. Methods that change a value return the changed one.

/// What has a [`length`].
pub trait Length {
    /// The length.
    fn length(&self) -> usize;
}

impl Length for str {
    /// Counts characters (Unicode scalar values), not bytes: `"Zoë"` has 3.
    fn length(&self) -> usize {
        self.chars().count()
    }
}

impl Length for String {
    fn length(&self) -> usize {
        self.as_str().length()
    }
}

impl<T> Length for [T] {
    fn length(&self) -> usize {
        self.len()
    }
}

impl<T> Length for Vec<T> {
    fn length(&self) -> usize {
        self.len()
    }
}

/// `x.len()`: the characters (Unicode scalar values) of a text, the items of a list.
pub fn length<T: Length + ?Sized>(value: &T) -> i64 {
    // Nothing in memory has more items than an i64 can count.
    i64::try_from(value.length()).unwrap_or(i64::MAX)
}

/// `a.concat(b)`: the two texts as one.
pub fn joined(a: &str, b: &str) -> String {
    [a, b].concat()
}

/// `list.push(item)`: the list with the item at its end.
pub fn pushed<T>(mut list: Vec<T>, item: T) -> Vec<T> {
    list.push(item);
    list
}

/// `list.extend(items)`: the list with the items at its end.
pub fn extended<T>(mut list: Vec<T>, items: Vec<T>) -> Vec<T> {
    list.extend(items);
    list
}

/// `list.get(index)`: the item at the index, counted from 0, or none.
pub fn item<T>(list: &[T], index: i64) -> Option<&T> {
    list.get(usize::try_from(index).ok()?)
}
