//! Files that are written: what is in them, and what is left where that fails.

#![expect(clippy::disallowed_methods, reason = "tests look at the disk from outside")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, DictionaryArray, Float32Array, Float64Array, Int64Array, LargeStringArray,
    RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{Float64Type, Int32Type};

use super::write::{TableWriter, write};
use super::{Form, plain};
use crate::disk::OsDisk;
use crate::error::Error;

fn batch() -> RecordBatch {
    let names: DictionaryArray<Int32Type> = ["a", "b,\"c\"", "d"].into_iter().collect();
    let times = TimestampMicrosecondArray::from(vec![Some(0), None, Some(-1)]).with_timezone("UTC");
    RecordBatch::try_from_iter([
        ("name", Arc::new(names) as ArrayRef),
        ("value", Arc::new(Float64Array::from(vec![Some(f64::NAN), None, Some(-0.0)]))),
        ("step", Arc::new(Int64Array::from(vec![i64::MAX, 0, 1]))),
        ("time", Arc::new(times)),
        ("text", Arc::new(StringArray::from(vec![Some(""), None, Some("two\nlines")]))),
    ])
    .unwrap()
}

fn written(form: Form, batches: &[RecordBatch]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("table");
    write(&OsDisk, &target, form, &batches[0].schema(), batches.iter().cloned().map(Ok)).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    std::fs::read(target).unwrap()
}

#[test]
fn the_form_is_that_of_the_ending_and_another_one_names_those_that_are_known() {
    assert_eq!(Form::of("a/b.Parquet".as_ref()).unwrap(), Form::Parquet);
    assert_eq!(Form::of("b.feather".as_ref()).unwrap(), Form::Arrow);
    for wrong in ["b", "b.txt", "csv", "a.csv/b", "b.csv.gz"] {
        let error = Form::of(wrong.as_ref()).unwrap_err().to_string();
        assert!(
            error.contains(wrong) && error.contains(".parquet, .arrow, .feather, .csv, .jsonl or .xlsx"),
            "{error}"
        );
    }
}

#[test]
fn csv_tells_null_from_an_empty_text_and_keeps_every_digit() {
    let text = String::from_utf8(written(Form::Csv, &[batch()])).unwrap();
    let expected = "name,value,step,time,text\n\
                    a,NaN,9223372036854775807,1970-01-01T00:00:00.000000Z,\"\"\n\
                    \"b,\"\"c\"\"\",,0,,\n\
                    d,-0.0,1,1969-12-31T23:59:59.999999Z,\"two\nlines\"\n";
    assert_eq!(text, expected);
}

#[test]
fn json_lines_have_nan_as_text_and_null_as_null() {
    let text = String::from_utf8(written(Form::JsonLines, &[batch()])).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        r#"{"name":"a","value":"NaN","step":9223372036854775807,"time":"1970-01-01T00:00:00.000000Z","text":""}"#
    );
    assert_eq!(lines[1], r#"{"name":"b,\"c\"","value":null,"step":0,"time":null,"text":null}"#);
    assert_eq!(lines.len(), 3);
}

#[test]
fn types_that_tables_of_ours_do_not_have_become_numbers_or_texts() {
    let sum = Decimal128Array::from(vec![3, -4]).with_precision_and_scale(38, 0).unwrap();
    let price = Decimal128Array::from(vec![150, -425]).with_precision_and_scale(10, 2).unwrap();
    let batch = RecordBatch::try_from_iter([
        ("sum", Arc::new(sum) as ArrayRef),
        ("price", Arc::new(price)),
        ("hash", Arc::new(UInt64Array::from(vec![1, u64::MAX]))),
        ("half", Arc::new(Float32Array::from(vec![0.5, f32::NAN]))),
        ("long", Arc::new(LargeStringArray::from(vec![Some("x"), None]))),
        ("naive", Arc::new(TimestampMicrosecondArray::from(vec![0, 1_500_000]))),
    ])
    .unwrap();
    let text = String::from_utf8(written(Form::Csv, std::slice::from_ref(&batch))).unwrap();
    let expected = "sum,price,hash,half,long,naive\n\
                    3,1.50,1,0.5,x,1970-01-01T00:00:00\n\
                    -4,-4.25,18446744073709551615,NaN,,1970-01-01T00:00:01.500\n";
    assert_eq!(text, expected);
    let plain = plain::plain(&batch).unwrap();
    assert!(plain["half"].as_primitive::<Float64Type>().value(1).is_nan());
}

#[test]
fn names_that_differ_from_batch_to_batch_are_texts_in_every_file() {
    let other: DictionaryArray<Int32Type> = ["x", "y", "z"].into_iter().collect();
    let mut columns = batch().columns().to_vec();
    columns[0] = Arc::new(other);
    let batches = [batch(), RecordBatch::try_new(batch().schema(), columns).unwrap()];
    for form in [Form::Parquet, Form::Arrow, Form::Csv, Form::JsonLines] {
        assert!(!written(form, &batches).is_empty());
    }
}

#[test]
fn a_file_that_is_not_finished_leaves_what_was_there_before_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("table.csv");
    std::fs::write(&target, "before").unwrap();
    for form in [Form::Parquet, Form::Arrow, Form::Csv, Form::JsonLines] {
        let mut writer = TableWriter::create(&OsDisk, &target, form, &batch().schema()).unwrap();
        writer.write(&batch()).unwrap();
        drop(writer);
        let refused = Error::Finished { id: String::new() };
        assert!(write(&OsDisk, &target, form, &batch().schema(), [Ok(batch()), Err(refused)]).is_err());
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(&target).unwrap(), b"before");
    let missing = dir.path().join("none/table.csv");
    assert!(matches!(write(&OsDisk, &missing, Form::Csv, &batch().schema(), []), Err(Error::Io { .. })));
}
