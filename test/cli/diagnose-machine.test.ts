import test from 'ava';
import { cgroupFiles } from '../../src/cli/diagnose/limits.js';
import { mountOf } from '../../src/cli/diagnose/mount.js';

const MOUNTS = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
23 22 0:5 / /dev rw - devtmpfs udev rw
30 22 8:17 / /var/lib rw - ext4 /dev/sda1 rw
31 30 8:33 / /var/lib/luma\\040db rw,noatime shared:3 master:2 - xfs /dev/sdb1 rw,attr2
32 30 8:49 / /var/lib/luma\\040db ro - xfs /dev/sdc1 rw
broken line`;

test('a path is on the deepest mount above it, and of two at one place on the later', (t) => {
  t.like(mountOf(MOUNTS, '/var/lib/luma db/data'), { device: '8:49', options: 'ro', file_system: 'xfs' });
  t.like(mountOf(MOUNTS, '/var/lib/lumadb'), { device: '8:17', mount_point: '/var/lib' });
  t.like(mountOf(MOUNTS, '/var/libx'), { device: '254:0', source: '/dev/vda', super_options: 'rw,discard' });
  t.is(mountOf('', '/x'), undefined);
});

test('the files of a cgroup are looked for at its path and at the root, in both versions', (t) => {
  const v2 = cgroupFiles('0::/system.slice/lumadb.service\n');
  t.true(v2.includes('/sys/fs/cgroup/system.slice/lumadb.service/memory.max'));
  t.true(v2.includes('/sys/fs/cgroup/memory.max'));
  const v1 = cgroupFiles('4:memory:/docker/abc\n2:cpu,cpuacct:/\n1:name=systemd:/\n');
  t.true(v1.includes('/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes'));
  t.true(v1.includes('/sys/fs/cgroup/cpu/cpu.cfs_quota_us'));
  t.true(v1.every((path) => !path.includes('//')));
});
