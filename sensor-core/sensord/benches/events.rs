//! What the log of events costs beside the file it is written to: a thousand events appended and flushed, and the same
//! bytes written to a plain file, with and without waiting for the disk; then reading them.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Seek, Write};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sensord::store::events::{EventLog, Reader, Settings};

/// Events of a batch: as many as the sensor flushes at once.
const EVENTS: u64 = 1000;

/// Bytes of an alert's body, about.
const BODY: usize = 350;

/// Bytes of a record around its body.
const AROUND: usize = 25;

fn benches(criterion: &mut Criterion) {
    let Ok(folder) = tempfile::tempdir() else { return };
    let settings = Settings { segment: 16 << 20, total: 64 << 20 };
    let Ok((mut log, _)) = EventLog::open(&folder.path().join("events"), settings) else { return };
    let body = [0x5a; BODY];
    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("append 1,000 and flush", |bencher| {
        bencher.iter(|| {
            for time in 0..EVENTS {
                let _ = black_box(log.append(time as i64, 1, &body));
            }
            log.flush().ok()
        });
    });
    let bytes = vec![0x5a; EVENTS as usize * (BODY + AROUND)];
    let Ok(mut file) = File::create(folder.path().join("plain")) else { return };
    group.bench_function("the same bytes, plain file, synced", |bencher| {
        bencher.iter(|| plain(&mut file, &bytes).and_then(|()| file.sync_data()));
    });
    group.bench_function("the same bytes, plain file, not synced", |bencher| {
        bencher.iter(|| plain(&mut file, &bytes));
    });
    group.bench_function("read 1,000 back", |bencher| {
        let from = log.acknowledged() - EVENTS;
        bencher.iter(|| Reader::of(&log, from).read(usize::MAX));
    });
    group.bench_function("read 1,000 after another", |bencher| {
        let mut reader = Reader::of(&log, 0);
        bencher.iter(|| {
            let part = reader.read(EVENTS as usize * BODY);
            if part.as_ref().is_ok_and(|part| part.caught_up) {
                reader = Reader::of(&log, 0);
            }
            part
        });
    });
    group.finish();
}

/// Appends; begins anew where the log would begin a segment.
fn plain(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    if file.stream_position()? > 16 << 20 {
        file.set_len(0)?;
        file.rewind()?;
    }
    file.write_all(bytes)
}

criterion_group!(all, benches);
criterion_main!(all);
