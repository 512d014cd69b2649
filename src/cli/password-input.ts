/** Where a command gets a password from: standard input, a prompt that shows nothing, or chance. */
import { randomBytes } from 'node:crypto';
import { text as streamText } from 'node:stream/consumers';
import { CliError, EXIT_USAGE } from './output.js';

export interface PasswordOptions {
  readonly passwordStdin?: boolean;
}

export const PASSWORD_STDIN_OPTION = ['--password-stdin', 'read the password from standard input'] as const;

const GENERATED_BYTES = 18;

/** Undefined when nobody is there to ask. */
export async function askPassword(
  options: PasswordOptions,
  message: string,
  isConfirmed: boolean,
): Promise<string | undefined> {
  if (options.passwordStdin) {
    const given = (await streamText(process.stdin)).replace(/\r?\n$/, '');
    if (given === '') throw new CliError('standard input has no password', EXIT_USAGE);
    return given;
  }
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  const first = await prompt(message);
  if (isConfirmed && (await prompt('The same again')) !== first)
    throw new CliError('the two passwords differ');
  return first;
}

export function generatePassword(): string {
  return randomBytes(GENERATED_BYTES).toString('base64url');
}

async function prompt(message: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message });
  if (isCancel(answer)) throw new CliError('nothing was changed');
  return answer;
}
