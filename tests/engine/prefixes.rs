//! A journal cut anywhere reads as exactly the whole frames before the cut, and the pages beside it are read whole.

use runlake::format::page::HEADER_BYTES;
use runlake::lake::tail;

use crate::journal::{self, frames, seqs};

#[test]
fn a_journal_cut_at_any_byte_yields_its_whole_frames() {
    let (disk, lake) = journal::lake();
    let sample = journal::sample(&disk, &lake, "run");
    for (cut_page, (path, bytes)) in sample.pages.iter().enumerate() {
        let used = frames(bytes).last().unwrap().1;
        // Behind the last frame and its end mark nothing changes any more.
        for cut in 0..=(used + 64).min(bytes.len()) {
            disk.put(path, bytes[..cut].to_vec());
            let mut expected = Vec::new();
            for (page, (_, bytes)) in sample.pages.iter().enumerate() {
                let whole = |end: usize| page != cut_page || (end <= cut && cut >= HEADER_BYTES);
                expected.extend(seqs(frames(bytes).iter().filter(|(_, end)| whole(*end)).map(|(frame, _)| frame)));
            }
            let mut problems = Vec::new();
            let tails = tail::read(&disk, &sample.run.dir, &mut problems).unwrap();
            assert_eq!(tails.len(), 1);
            assert_eq!(tails[0].rows.metrics.seqs(), expected, "page {cut_page} cut at {cut}");
        }
        disk.put(path, bytes.clone());
    }
}
