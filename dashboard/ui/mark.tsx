/** The sign of the page: a tunnel in a tunnel. */
export const Mark = () => (
  <svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
    <title>PPTP gateway</title>
    <rect width="32" height="32" rx="7" class="mark-back" />
    <path d="M7 22V16a9 9 0 0 1 18 0v6" class="mark-outer" />
    <path d="M12 22v-5a4 4 0 0 1 8 0v5" class="mark-inner" />
  </svg>
);
