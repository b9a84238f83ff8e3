/*
 * What bench/linux.ts is compared with: the same maps, by their ids, through libbpf.
 *
 *     peer elements MAP_ID COUNT SECONDS   elements per second of processor time, one by one and in batches
 *     peer read MAP_ID SECONDS             records per second of processor time that a ring buffer's reader got
 *     peer fire PROG_ID SECONDS            runs a program again and again: the other end of `read`
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

/* Seconds of processor time: what else the machine does is not measured. */
static double worked(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void report(const char *name, double operations, double seconds, int last) {
  printf("\"%s\":%.0f%s", name, operations / seconds, last ? "}\n" : ",");
}

static void elements(int map, unsigned count, double seconds) {
  unsigned *keys = malloc(count * sizeof *keys);
  unsigned long *values = malloc(count * sizeof *values);
  for (unsigned i = 0; i < count; i++) {
    keys[i] = i;
    values[i] = i;
  }
  double begin, end;
  unsigned long n;
  printf("{");

  for (n = 0, begin = worked(); (end = worked()) < begin + seconds; n += 1000)
    for (unsigned i = 0; i < 1000; i++)
      if (bpf_map_update_elem(map, &keys[(n + i) % count], &values[i], BPF_ANY)) fail("update");
  report("update", n, end - begin, 0);

  unsigned long value;
  for (n = 0, begin = worked(); (end = worked()) < begin + seconds; n += 1000)
    for (unsigned i = 0; i < 1000; i++)
      if (bpf_map_lookup_elem(map, &keys[(n + i) % count], &value)) fail("lookup");
  report("lookup", n, end - begin, 0);

  for (n = 0, begin = worked(); (end = worked()) < begin + seconds; n += 1000)
    for (unsigned i = 0; i < 1000; i++) {
      unsigned absent = count + i;
      if (!bpf_map_lookup_elem(map, &absent, &value)) fail("missing");
    }
  report("missing", n, end - begin, 0);

  for (n = 0, begin = worked(); (end = worked()) < begin + seconds;) {
    unsigned size = count;
    if (bpf_map_update_batch(map, keys, values, &size, NULL)) fail("update batch");
    n += size;
  }
  report("updateBatch", n, end - begin, 0);

  for (n = 0, begin = worked(); (end = worked()) < begin + seconds;) {
    unsigned in, out;
    for (int first = 1, done = 0; !done; first = 0) {
      unsigned size = 1024;
      if (bpf_map_lookup_batch(map, first ? NULL : &in, &out, keys, values, &size, NULL)) {
        if (errno != ENOENT) fail("lookup batch");
        done = 1;
      }
      in = out;
      n += size;
    }
  }
  report("lookupBatch", n, end - begin, 1);
}

static unsigned long records, bytes;
static int count_record(void *context, void *data, size_t size) {
  (void)context;
  records++;
  bytes += size + *(unsigned char *)data;
  return 0;
}

static void read_ring(int map, double seconds) {
  struct ring_buffer *ring = ring_buffer__new(map, count_record, NULL, NULL);
  if (!ring) fail("ring buffer");
  double before = worked();
  for (double begin = now(); now() < begin + seconds;)
    if (ring_buffer__poll(ring, 10) < 0) fail("poll");
  printf("{");
  report("records", records, worked() - before, 1);
  ring_buffer__free(ring);
}

static void fire(int prog, double seconds) {
  char packet[64] = {0};
  for (double begin = now(); now() < begin + seconds;) {
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof packet, .repeat = 10);
    if (bpf_prog_test_run_opts(prog, &run)) fail("test run");
  }
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  unsigned id = atoi(argv[2]);
  double seconds = atof(argv[argc - 1]);
  int fd = strcmp(argv[1], "fire") ? bpf_map_get_fd_by_id(id) : bpf_prog_get_fd_by_id(id);
  if (fd < 0) fail("id");
  if (!strcmp(argv[1], "elements")) elements(fd, atoi(argv[3]), seconds);
  else if (!strcmp(argv[1], "read")) read_ring(fd, seconds);
  else fire(fd, seconds);
  return 0;
}
