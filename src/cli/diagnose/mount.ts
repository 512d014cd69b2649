/** Which mount a path is on, by the text of /proc/PID/mountinfo. Pure; see proc_pid_mountinfo(5). */

export interface Mount {
  /** `major:minor`. */
  readonly device: string;
  readonly mount_point: string;
  readonly options: string;
  readonly file_system: string;
  readonly source: string;
  readonly super_options: string;
}

/** `path`: absolute, without symbolic links. Undefined when the text has no mount that it is on. */
export function mountOf(mountinfo: string, path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mountinfo.split('\n')) {
    const mount = mountOfLine(line);
    if (mount === undefined || !isUnder(path, mount.mount_point)) continue;
    // The deepest; of two at the same place the later one hides the earlier.
    if (best === undefined || mount.mount_point.length >= best.mount_point.length) best = mount;
  }
  return best;
}

function mountOfLine(line: string): Mount | undefined {
  // A varying number of fields ends with a dash.
  const [own, rest] = line.split(' - ');
  if (rest === undefined) return undefined;
  const [, , device, , mountPoint, options] = own.split(' ');
  const [fileSystem, source, superOptions = ''] = rest.split(' ');
  return {
    device,
    mount_point: unescaped(mountPoint),
    options,
    file_system: fileSystem,
    source: unescaped(source),
    super_options: superOptions,
  };
}

const isUnder = (path: string, directory: string): boolean =>
  directory === '/' || path === directory || path.startsWith(`${directory}/`);

/** Blanks and their like are written as `\040`. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
