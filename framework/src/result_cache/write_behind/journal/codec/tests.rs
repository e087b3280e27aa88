use proptest::prelude::*;

use super::*;

fn bytes_of(value: &Value) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.value(value).unwrap();
    writer.0
}

/// These bytes are on people's disks.
#[test]
fn every_kind_of_value_keeps_its_form() {
    let day = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let time = NaiveTime::from_hms_micro_opt(1, 2, 3, 4).unwrap();
    let golden: [(Value, &str); 16] = [
        (Value::Bool(Some(true)), "0101"),
        (Value::SmallInt(Some(-2)), "03feff"),
        (Value::Int(Some(7)), "0407000000"),
        (Value::Int(None), "84"),
        (Value::BigInt(Some(-1)), "05ffffffffffffffff"),
        (Value::Float(Some(0.5)), "0a0000003f"),
        (Value::Double(Some(1.5)), "0b000000000000f83f"),
        (Value::String(Some("é".into())), "0c02000000c3a9"),
        (Value::Bytes(Some(vec![1, 2])), "0e020000000102"),
        (
            Value::Json(Some(Box::new(serde_json::json!([1])))),
            "0f030000005b315d",
        ),
        (Value::ChronoDate(Some(day)), "1081460b00"),
        (Value::ChronoTime(Some(time)), "118b0e0000a00f0000"),
        (
            Value::ChronoDateTimeUtc(Some(day.and_time(time).and_utc())),
            "1381460b008b0e0000a00f0000",
        ),
        (
            Value::Uuid(Some(uuid::Uuid::from_u128(1))),
            "1800000000000000000000000000000001",
        ),
        (
            Value::Decimal(Some(Decimal::new(15, 1))),
            "19000001000f0000000000000000000000",
        ),
        (
            Value::Array(ArrayType::Int, Some(Box::new(vec![Value::Int(Some(1))]))),
            "1a0401000000",
        ),
    ];
    for (value, hex) in golden {
        let bytes = bytes_of(&value);
        let told: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let told = match value {
            Value::Array(..) => told[..12].to_owned(),
            _ => told,
        };
        assert_eq!(told, hex, "{value:?}");
        assert_eq!(Reader(&bytes).value(), Some(value));
    }
}

fn value() -> impl Strategy<Value = Value> {
    let date =
        (-700_000..700_000_i32).prop_filter_map("no day", NaiveDate::from_num_days_from_ce_opt);
    let time = (0..86_400_u32, 0..2_000_000_000_u32)
        .prop_filter_map("no time", |(seconds, nanos)| {
            NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)
        });
    let instant = (date.clone(), time.clone()).prop_map(|(date, time)| date.and_time(time));
    let nanos = -8_000_000_000_000_000_000_i64..8_000_000_000_000_000_000;
    let zoned = (nanos, -80_000..80_000_i32).prop_map(|(nanos, offset)| {
        let utc = ::time::OffsetDateTime::from_unix_timestamp_nanos(nanos.into()).unwrap();
        utc.to_offset(::time::UtcOffset::from_whole_seconds(offset).unwrap())
    });
    let number = prop_oneof![
        any::<Option<bool>>().prop_map(Value::Bool),
        any::<Option<i8>>().prop_map(Value::TinyInt),
        any::<Option<i16>>().prop_map(Value::SmallInt),
        any::<Option<i32>>().prop_map(Value::Int),
        any::<Option<i64>>().prop_map(Value::BigInt),
        any::<Option<u8>>().prop_map(Value::TinyUnsigned),
        any::<Option<u16>>().prop_map(Value::SmallUnsigned),
        any::<Option<u32>>().prop_map(Value::Unsigned),
        any::<Option<u64>>().prop_map(Value::BigUnsigned),
    ];
    let others = prop_oneof![
        any::<Option<char>>().prop_map(Value::Char),
        any::<Option<String>>().prop_map(Value::String),
        any::<Option<Vec<u8>>>().prop_map(Value::Bytes),
        any::<Option<f64>>().prop_map(Value::Double),
        any::<Option<f32>>().prop_map(Value::Float),
        (any::<i64>(), 0..28_u32)
            .prop_map(|(n, scale)| Value::Decimal(Some(Decimal::new(n, scale)))),
        any::<u128>().prop_map(|n| Value::Uuid(Some(uuid::Uuid::from_u128(n)))),
        prop::option::of(date).prop_map(Value::ChronoDate),
        prop::option::of(time).prop_map(Value::ChronoTime),
        instant.prop_map(|at| Value::ChronoDateTime(Some(at))),
        zoned
            .clone()
            .prop_map(|at| Value::TimeDateTimeWithTimeZone(Some(at))),
        zoned.prop_map(
            |at| Value::TimeDateTime(Some(::time::PrimitiveDateTime::new(at.date(), at.time())))
        ),
        prop::collection::vec(any::<Option<i64>>(), 0..4).prop_map(|all| Value::Array(
            ArrayType::BigInt,
            Some(Box::new(all.into_iter().map(Value::BigInt).collect()))
        )),
    ];
    prop_oneof![number, others]
}

fn change() -> impl Strategy<Value = Change> {
    let row = || prop::collection::vec(value(), 0..5);
    let set = prop_oneof![value().prop_map(Set::To), value().prop_map(Set::Add)];
    let edit = || {
        (
            prop::collection::btree_map(0..20_usize, set.clone(), 0..4),
            any::<u32>(),
            any::<Option<i64>>(),
            prop::option::of(row()),
        )
            .prop_map(|(set, bumps, expected, image)| Edit {
                set: set.into_iter().collect(),
                bumps,
                expected,
                image,
            })
    };
    prop_oneof![
        row().prop_map(Change::Insert),
        edit().prop_map(Change::Update),
        edit().prop_map(Change::Delete),
        row().prop_map(Change::Replace),
    ]
}

proptest! {
    #[test]
    fn every_change_comes_back(change in change()) {
        let mut writer = Writer::default();
        writer.change(&change).unwrap();
        let mut reader = Reader(&writer.0);
        // NaN is not equal to itself; the same text is as good.
        prop_assert_eq!(format!("{:?}", reader.change()), format!("{:?}", Some(change)));
        prop_assert!(reader.0.is_empty());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Reader(&bytes).change();
        let _ = Reader(&bytes).values();
    }
}
