//! The codec on its own: what is encoded is decoded, anything changed is noticed, arbitrary bytes are no
//! trouble.

use proptest::prelude::*;

use super::{Checksum, HEADER_BYTES, Header, NewRecord, NoRecord, encode, record_bytes};

fn encoded(checksum: Checksum, sequence: u64, synced: u64, record: &NewRecord<'_>) -> (Header, Vec<u8>) {
    let header = Header::of(checksum, sequence, synced, record);
    let mut bytes = Vec::new();
    encode(checksum, &header, record.payload, &mut bytes);
    (header, bytes)
}

/// Decodes header and payload, as all readers do.
fn decoded(checksum: Checksum, bytes: &[u8]) -> Result<(Header, Vec<u8>), NoRecord> {
    let header = Header::decode(checksum, bytes)?;
    let length = usize::try_from(header.length).expect("a small number");
    let payload = bytes.get(48..length).ok_or(NoRecord::CrossesEnd)?;
    if checksum.over(payload) != header.payload_checksum {
        return Err(NoRecord::PayloadChecksum);
    }
    Ok((header, payload.to_vec()))
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        identity in any::<u64>(),
        (sequence, synced) in (1..u64::MAX).prop_flat_map(|sequence| (Just(sequence), 0..sequence)),
        first_offset in 0..u64::MAX / 2,
        count in any::<u32>(),
        timestamp_ms in any::<u64>(),
        payload in prop::collection::vec(any::<u8>(), 0..500),
    ) {
        let checksum = Checksum::of_log(identity);
        let record = NewRecord { first_offset, count, timestamp_ms, payload: &payload };
        let (header, bytes) = encoded(checksum, sequence, synced, &record);
        prop_assert_eq!(bytes.len() % 8, 0);
        prop_assert_eq!(u64::try_from(bytes.len()).expect("a small number"), record_bytes(payload.len()));
        prop_assert_eq!(decoded(checksum, &bytes), Ok((header, payload.clone())));
        prop_assert!(decoded(Checksum::of_log(identity.wrapping_add(1)), &bytes).is_err());
    }

    #[test]
    fn a_changed_bit_is_noticed(
        payload in prop::collection::vec(any::<u8>(), 0..200),
        place in any::<prop::sample::Index>(),
    ) {
        let checksum = Checksum::of_log(9);
        let record = NewRecord { first_offset: 4, count: 2, timestamp_ms: 1, payload: &payload };
        let (header, mut bytes) = encoded(checksum, 7, 3, &record);
        let covered = usize::try_from(header.length).expect("a small number");
        let bit = place.index(covered * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(decoded(checksum, &bytes).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_no_record(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(decoded(Checksum::of_log(0), &bytes).is_err());
    }
}

#[test]
fn headers_with_impossible_numbers_are_refused_though_they_check() {
    let checksum = Checksum::of_log(0);
    let sound = Header {
        length: HEADER_BYTES,
        payload_checksum: checksum.over(&[]),
        sequence: 5,
        first_offset: 1,
        timestamp_ms: 0,
        synced: 4,
        count: 1,
    };
    let decode = |header: Header| {
        let mut bytes = Vec::new();
        encode(checksum, &header, &[], &mut bytes);
        Header::decode(checksum, &bytes)
    };
    assert_eq!(decode(sound), Ok(sound));
    assert_eq!(decode(Header { synced: 5, ..sound }), Err(NoRecord::Numbers));
    assert_eq!(decode(Header { first_offset: u64::MAX, ..sound }), Err(NoRecord::Numbers));
}
