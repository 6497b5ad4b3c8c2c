//! Any text as what a segment's footer says; what is read is written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runlake::format::footer::Footer;

fuzz_target!(|text: &str| {
    let Ok(footer) = Footer::from_json(text) else { return };
    assert_eq!(Footer::from_json(&footer.to_json()), Ok(footer.clone()));
    assert!(footer.is_in(&footer));
});
