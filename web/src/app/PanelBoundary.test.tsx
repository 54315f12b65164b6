import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, test, vi } from 'vitest';
import { stage } from '../../tests/stage';
import { PanelBoundary } from './PanelBoundary';

test('a panel that fails says so, leaves the rest alone, and can be tried again', async () => {
  const user = userEvent.setup();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const again = vi.fn();
  let broken = true;
  function Panel() {
    if (broken) throw new Error('the piece map has no columns');
    return <p>it works</p>;
  }
  stage(
    <>
      <p>the rest</p>
      <PanelBoundary onAgain={again}>
        <Panel />
      </PanelBoundary>
    </>,
  );
  expect(screen.getByRole('alert')).toHaveTextContent('the piece map has no columns');
  expect(screen.getByText('the rest')).toBeVisible();
  broken = false;
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(screen.getByText('it works')).toBeVisible();
  expect(again).toHaveBeenCalledOnce();
});
