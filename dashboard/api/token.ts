const KEY = 'pptp-admin-token';

/** The token lives as long as this tab and leaves it for nobody but the gateway. Storage may be forbidden: then it lives as long as the page. */
export const tokenStore = {
  get: (): string | undefined => {
    try {
      return sessionStorage.getItem(KEY) ?? undefined;
    } catch {
      return undefined;
    }
  },
  set: (token: string): void => {
    try {
      sessionStorage.setItem(KEY, token);
    } catch {
      // The page still has it.
    }
  },
  clear: (): void => {
    try {
      sessionStorage.removeItem(KEY);
    } catch {
      // There is none.
    }
  },
};
