/**
 * Of the form in which one process hands its tunnels over to the next. Raise it whenever a snapshot changes in a way that the
 * readers of the other version would misunderstand: then an upgrade between the two is refused before it begins.
 */
export const STATE_VERSION = 1;
