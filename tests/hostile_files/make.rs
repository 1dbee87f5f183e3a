//! Makes files, sound and hostile ones.

use flate2::{Compression, write::DeflateEncoder, write::GzEncoder};
use std::io::Write;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

pub fn npy_header(text: &str) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

pub fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut bytes =
        npy_header(&format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n"));
    bytes.extend(data);
    bytes
}

pub fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// One member of an archive as a hostile writer might make it.
pub struct Member {
    pub name: &'static str,
    pub data: Vec<u8>,
    pub deflate: bool,
    /// The size that the directory announces instead of the true one.
    pub announced: Option<u32>,
}

pub fn member(name: &'static str, data: Vec<u8>) -> Member {
    Member { name, data, deflate: false, announced: None }
}

pub fn zip(members: &[Member]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let at = bytes.len() as u32;
        let stored = if member.deflate {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(&member.data).expect("in memory");
            encoder.finish().expect("in memory")
        } else {
            member.data.clone()
        };
        let mut common = Vec::new();
        for field in [20u16, 0, if member.deflate { 8 } else { 0 }, 0, 0] {
            common.extend(field.to_le_bytes());
        }
        let announced = member.announced.unwrap_or(member.data.len() as u32);
        for field in [crc32fast::hash(&member.data), stored.len() as u32, announced] {
            common.extend(field.to_le_bytes());
        }
        common.extend((member.name.len() as u16).to_le_bytes());
        common.extend(0u16.to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(member.name.as_bytes());
        bytes.extend(stored);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0u8; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(member.name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(0u16.to_le_bytes());
    bytes
}

/// `X` of shape (3, 2) and `y`, stored or deflated.
pub fn sound_archive(deflate: bool) -> Vec<u8> {
    let x = npy("<f4", false, "(3, 2)", &floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    let y = npy("<i8", false, "(3,)", &[[0u8; 8], [1, 0, 0, 0, 0, 0, 0, 0], [0; 8]].concat());
    let split = npy("|u1", false, "(3,)", &[0, 0, 1]);
    let pack = |name, data| Member { deflate, ..member(name, data) };
    zip(&[pack("X.npy", x), pack("y.npy", y), pack("split.npy", split)])
}

pub fn idx(kind: u8, lengths: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, lengths.len() as u8];
    bytes.extend(lengths.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// A table of three rows, also read by faults that only show in a sound file.
pub const TABLE: &str = "split,label,x0,x1\ntrain,a,1,2\ntrain,b,3,4\ntest,a,5,6\n";
