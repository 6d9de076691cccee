import type { ProcessUse } from '../../../gateway/admin/api/stats.ts';
import { duration, octets, percent } from '../../model/format.ts';
import { Card } from '../../ui/card.tsx';
import { Meter } from '../../ui/meter.tsx';

const nameOf = ({ worker }: ProcessUse, many: boolean): string => {
  if (worker !== undefined) return `worker ${worker}`;
  return many ? 'supervisor' : 'gateway';
};

export const ProcessesCard = (props: { readonly processes: readonly ProcessUse[] }) => {
  const many = props.processes.length > 1;
  return (
    <Card title={many ? 'Processes' : 'Process'}>
      <div class="scroll">
        <table class="table plain">
          <thead>
            <tr>
              <th scope="col">Process</th>
              <th scope="col" class="number">
                PID
              </th>
              <th scope="col">CPU</th>
              <th scope="col" class="number">
                Memory
              </th>
              <th scope="col" class="number" title="Delay of the event loop, 99th percentile">
                Loop delay
              </th>
              <th scope="col" class="number">
                Running
              </th>
            </tr>
          </thead>
          <tbody>
            {props.processes.map((one) => (
              <tr key={one.pid}>
                <th scope="row">{nameOf(one, many)}</th>
                <td class="number">{one.pid}</td>
                <td class="cpu">
                  <Meter label="processor" part={one.cpu} /> <span class="number">{percent(one.cpu)}</span>
                </td>
                <td class="number">{octets(one.residentOctets)}</td>
                <td class="number">{one.eventLoopMs.toFixed(1)} ms</td>
                <td class="number">{duration(one.uptimeSeconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
};
