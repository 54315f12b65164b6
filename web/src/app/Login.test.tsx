import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, test } from 'vitest';
import { expectAccessible } from '../../tests/axe';
import { answerAsRecorded } from '../../tests/recorded';
import { stage } from '../../tests/stage';
import { useSession } from '../api/session';
import { Login } from './Login';

const CODE = 'P5AceR7V-C_xOdRnm_rheOR82y1TjEte8PbR-HEO-jw';

describe('the login page', () => {
  afterEach(() => useSession.setState({ state: 'starting', problem: null }));

  test('says what to run, and takes what it prints', async () => {
    const session = { csrf: 'word', peer: 'p', device_name: 'nas', expires_at_ms: 1 };
    const asked = answerAsRecorded({ 'POST /api/v1/session': { status: 200, body: session } });
    const user = userEvent.setup();
    const { container } = stage(<Login />);
    expect(screen.getByText('weft dashboard')).toBeVisible();
    await expectAccessible(container);
    const field = screen.getByRole('textbox', { name: /paste the address/ });
    await user.type(field, 'http://127.0.0.1:9338/{Enter}');
    expect(screen.getByText(/not an address that weft dashboard prints/)).toBeVisible();
    expect(asked).toHaveLength(0);
    await user.clear(field);
    await user.type(field, `http://127.0.0.1:9338/#login=${CODE}{Enter}`);
    expect(asked[0]?.body).toEqual({ code: CODE });
    expect(useSession.getState().state).toBe('in');
  });

  test('a code that was used says so', async () => {
    const problem = {
      status: 401,
      code: 'bad-code',
      error: 'this login address was used already',
      mend: 'run it again',
    };
    answerAsRecorded({ 'POST /api/v1/session': { status: 401, body: problem } });
    const user = userEvent.setup();
    stage(<Login />);
    await user.type(screen.getByRole('textbox', { name: /paste the address/ }), `${CODE}{Enter}`);
    expect(await screen.findByRole('alert')).toHaveTextContent('This login address was used already. Run it again.');
  });
});
