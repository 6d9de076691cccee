import type { ComponentChildren } from 'preact';

export const Notice = (props: { readonly kind: 'info' | 'bad'; readonly children: ComponentChildren }) => (
  <div class={`notice ${props.kind}`} role={props.kind === 'bad' ? 'alert' : undefined}>
    {props.children}
  </div>
);
