//! Any bytes as a journal page, and any bytes as the body of a frame whose length and checksum are right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runlake::format::page::{HEADER_BYTES, Header, Process};
use runlake::format::rows::{Origin, Rows};
use runlake::journal::read;
use runlake::value::WriterId;

fuzz_target!(|bytes: &[u8]| {
    decode(bytes);
    decode(&framed(bytes));
});

fn decode(bytes: &[u8]) {
    let Ok((header, mut frames)) = read::open(bytes) else { return };
    let mut rows = Rows::default();
    for frame in frames.by_ref() {
        if !rows.push(frame) {
            break;
        }
    }
    assert!(frames.offset <= bytes.len());
    let origin = Origin { writer: header.writer, rank: header.rank, attempt: header.attempt };
    rows.metrics.take_sorted(&rows.names, origin).expect("rows fit the columns");
    rows.attributes.take(header.writer).expect("rows fit the columns");
}

/// A page of one frame that holds the bytes behind its checksum.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let writer = WriterId::new(1).expect("48 bits");
    let process = Process::default();
    let header = Header { number: 0, writer, attempt: 1, rank: None, process, heartbeat_micros: 0 };
    let mut page = header.to_bytes().to_vec();
    let length = (8 + bytes.len().max(16)).next_multiple_of(8);
    page.resize(HEADER_BYTES + length, 0);
    let frame = &mut page[HEADER_BYTES..];
    frame[8..8 + bytes.len()].copy_from_slice(bytes);
    let crc = crc32c::crc32c_append(Header::frame_seed(0), &frame[8..]);
    frame[..4].copy_from_slice(&u32::try_from(length).unwrap_or(0).to_le_bytes());
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
    page
}
