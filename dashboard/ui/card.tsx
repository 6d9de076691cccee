import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** A part of a view with a heading of its own. */
export const Card = (props: {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}) => {
  const title = useId();
  return (
    <section class={`card ${props.class ?? ''}`} aria-labelledby={title}>
      <header class="card-head">
        <h2 id={title}>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
};
