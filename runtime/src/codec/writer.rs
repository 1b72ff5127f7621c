//! Writing JSON into a buffer, compactly: no white space, fields in the order they are given.

use super::value::Value;

/// Writes JSON into a buffer.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    /// Whether the next field or item follows another one.
    follows: bool,
    /// Whether fields that are `null` are left out.
    leaves_out: bool,
}

impl From<Vec<u8>> for Writer {
    /// Goes on at the end of a buffer.
    fn from(out: Vec<u8>) -> Self {
        Self { out, ..Self::default() }
    }
}

impl Writer {
    /// Leaves fields without a value out, in records too. Items of lists and entries of maps stay.
    pub(crate) fn without_absent() -> Self {
        Self { leaves_out: true, ..Self::default() }
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Writes a field of the current object.
    pub fn field<T: Value>(&mut self, name: &str, value: &T) {
        let (end, followed) = (self.out.len(), self.follows);
        self.name(name);
        let start = self.out.len();
        value.write_value(self);
        if self.leaves_out && self.out[start..] == *b"null" {
            self.out.truncate(end);
            self.follows = followed;
        }
    }

    /// Writes a field of text, `null` where there is none.
    pub fn text_field(&mut self, name: &str, text: Option<&str>) {
        self.name(name);
        match text {
            Some(text) => self.text(text),
            None => self.raw(b"null"),
        }
    }

    /// Writes the name of a field; its value is to follow.
    pub fn name(&mut self, name: &str) {
        self.separate();
        self.text(name);
        self.out.push(b':');
    }

    /// Writes an object whose fields `fields` writes.
    pub fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        self.follows = false;
        fields(self);
        self.out.push(b'}');
        self.follows = true;
    }

    /// Writes a list.
    pub fn list<'v, T: Value + 'v>(&mut self, items: impl IntoIterator<Item = &'v T>) {
        self.out.push(b'[');
        self.follows = false;
        for item in items {
            self.separate();
            item.write_value(self);
        }
        self.out.push(b']');
        self.follows = true;
    }

    /// Writes text, with quotes and escapes.
    pub fn text(&mut self, text: &str) {
        self.out.push(b'"');
        if text.bytes().any(needs_escape) {
            for byte in text.bytes() {
                self.escaped(byte);
            }
        } else {
            self.out.extend_from_slice(text.as_bytes());
        }
        self.out.push(b'"');
    }

    /// Writes text that is known to need no escapes.
    pub(super) fn plain_text(&mut self, text: &[u8]) {
        self.out.push(b'"');
        self.out.extend_from_slice(text);
        self.out.push(b'"');
    }

    /// Writes what is JSON already.
    pub fn raw(&mut self, json: &[u8]) {
        self.out.extend_from_slice(json);
    }

    fn separate(&mut self) {
        if self.follows {
            self.out.push(b',');
        }
        self.follows = true;
    }

    fn escaped(&mut self, byte: u8) {
        match byte {
            b'"' => self.raw(b"\\\""),
            b'\\' => self.raw(b"\\\\"),
            b'\n' => self.raw(b"\\n"),
            b'\r' => self.raw(b"\\r"),
            b'\t' => self.raw(b"\\t"),
            0..=0x1f => self.raw(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(byte & 15)]),
            _ => self.out.push(byte),
        }
    }
}

/// Bytes of UTF-8 above ASCII stand as they are.
fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn hex(digit: u8) -> u8 {
    b"0123456789abcdef"[usize::from(digit)]
}
