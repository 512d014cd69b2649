/** What is asked of users, API keys, tokens and blocked addresses: plain data from a front to the main thread. */

export interface LoginRequest {
  readonly username: string;
  readonly password: string;
}

export interface UserChanges {
  readonly role?: string;
  readonly password?: string;
  readonly disabled?: boolean;
}

export type SecurityCall =
  | { readonly kind: 'logout' }
  | {
      readonly kind: 'whoami';
      /** As patterns, of the role of the caller. */
      readonly permissions: readonly string[];
      /** Of an API key that may do less. */
      readonly limitedTo: readonly string[] | null;
    }
  | { readonly kind: 'users' | 'api-keys' | 'blocked-addresses' | 'roles' }
  | { readonly kind: 'user'; readonly username: string }
  | {
      readonly kind: 'create-user';
      readonly username: string;
      readonly role: string;
      readonly password: string;
    }
  | { readonly kind: 'change-user'; readonly username: string; readonly changes: UserChanges }
  | { readonly kind: 'delete-user'; readonly username: string }
  | { readonly kind: 'change-password'; readonly oldPassword: string; readonly newPassword: string }
  | {
      readonly kind: 'create-api-key';
      readonly name: string;
      readonly username: string;
      readonly permissions: readonly string[] | undefined;
      readonly expiresAtMs: number | undefined;
    }
  | { readonly kind: 'rotate-api-key' | 'revoke-api-key'; readonly id: string }
  | { readonly kind: 'block-addresses'; readonly addresses: readonly string[] };
