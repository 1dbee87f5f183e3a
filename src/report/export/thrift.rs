//! Thrift's compact protocol, as much of it as a Parquet footer takes.

/// Kinds of fields.
const INT: u8 = 5;
const LONG: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// A structure being written; fields in ascending order.
pub(super) struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

impl Struct {
    pub fn new() -> Self {
        Self { bytes: Vec::new(), last: 0 }
    }

    /// A 32-bit number, an enumeration's too.
    pub fn int(mut self, field: u8, value: i64) -> Self {
        self.field(field, INT);
        varint(&mut self.bytes, zigzag(value));
        self
    }

    /// A 64-bit number.
    pub fn long(mut self, field: u8, value: i64) -> Self {
        self.field(field, LONG);
        varint(&mut self.bytes, zigzag(value));
        self
    }

    pub fn text(mut self, field: u8, value: &str) -> Self {
        self.field(field, BINARY);
        text(&mut self.bytes, value);
        self
    }

    /// A structure that has come to its end.
    pub fn child(mut self, field: u8, ended: &[u8]) -> Self {
        self.field(field, STRUCT);
        self.bytes.extend_from_slice(ended);
        self
    }

    pub fn ints(mut self, field: u8, values: &[i64]) -> Self {
        self.list(field, INT, values.len());
        values.iter().for_each(|&value| varint(&mut self.bytes, zigzag(value)));
        self
    }

    pub fn texts(mut self, field: u8, values: &[&str]) -> Self {
        self.list(field, BINARY, values.len());
        values.iter().for_each(|value| text(&mut self.bytes, value));
        self
    }

    /// Structures that have come to their ends.
    pub fn structs(mut self, field: u8, ended: Vec<Vec<u8>>) -> Self {
        self.list(field, STRUCT, ended.len());
        self.bytes.extend(ended.concat());
        self
    }

    /// The bytes, with the mark of the end.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    fn field(&mut self, field: u8, kind: u8) {
        debug_assert!(field > self.last && field - self.last < 16, "fields in ascending order");
        self.bytes.push((field - self.last) << 4 | kind);
        self.last = field;
    }

    fn list(&mut self, field: u8, kind: u8, count: usize) {
        self.field(field, LIST);
        if count < 15 {
            self.bytes.push((count as u8) << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            varint(&mut self.bytes, count as u64);
        }
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
pub(super) fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Small numbers of either sign as small ones without.
fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

fn text(bytes: &mut Vec<u8>, value: &str) {
    varint(bytes, value.len() as u64);
    bytes.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_example() {
        assert_eq!([0, -1, 1, -2, i64::MIN].map(zigzag), [0, 1, 2, 3, u64::MAX]);
        let mut bytes = Vec::new();
        varint(&mut bytes, 300);
        assert_eq!(bytes, [0xac, 2]);
        let found = Struct::new().int(1, -1).text(4, "ab").ints(5, &[1, 64]).long(9, 3).end();
        let expected = [0x15, 1, 0x38, 2, b'a', b'b', 0x19, 0x25, 2, 0x80, 1, 0x46, 6, 0];
        assert_eq!(found, expected);
        let many = Struct::new().structs(1, vec![Struct::new().end(); 20]).end();
        assert_eq!(many[..3], [0x19, 0xfc, 20]);
        assert_eq!(many.len(), 3 + 20 + 1);
    }
}
