"""cowitness-run, enable, disable and status, in processes of their own."""

from __future__ import absolute_import

import os
import subprocess
import sys
import textwrap

from pyagent import run

from .support import Case, Listener, wait_for

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))


class Commands(Case):
    def run_python(self, code, *words, **environ):
        """Run code with the interpreter under test; its exit code, output and errors."""
        env = dict(os.environ, COWITNESS_RUN_DIR=self.directory, PYTHONPATH=ROOT)
        env.update(environ)
        process = subprocess.Popen(
            [sys.executable, '-c', textwrap.dedent(code)] + list(words),
            env=env, cwd='/', stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = process.communicate()
        return process.returncode, out.decode(), err.decode()

    def run_command(self, *words, **environ):
        return self.run_python('import sys; from pyagent.run import main; sys.exit(main(sys.argv[1:]))', *words, **environ)

    def test_help_and_version(self):
        """--help and --version answer; no command at all is an error that shows the help."""
        code, out, _ = self.run_command('--help')
        self.assertEqual((code, 'COWITNESS_MODE' in out), (0, True))
        code, out, _ = self.run_command('--version')
        self.assertEqual((code, out.startswith('cowitness-run ')), (0, True))
        code, _, err = self.run_command()
        self.assertEqual((code, 'usage:' in err), (2, True))

    def test_commands_that_cannot_run(self):
        """127 for what is not there, 126 for what is no program, with the reason."""
        code, _, err = self.run_command('/nowhere/x')
        self.assertEqual((code, 'No such file' in err), (127, True))
        code, _, err = self.run_command(self.directory)
        self.assertEqual((code, 'Permission denied' in err), (126, True))

    def test_the_agent_is_on_in_the_command(self):
        """A Python that is run has the agent on, and its own exit code, output and arguments."""
        code = 'import sys, pyagent; print(pyagent.status()["mode"], sys.argv[1]); sys.exit(5)'
        listener = Listener(self.directory)
        self.addCleanup(listener.hang_up)
        code, out, err = self.run_command(sys.executable, '-c', code, 'a b')
        self.assertEqual((code, err), (5, ''))
        self.assertIn('monitor', out)
        self.assertIn('a b', out)

    def test_the_apps_own_sitecustomize(self):
        """One that the command would have loaded without us is loaded too, also where it fails."""
        with open(os.path.join(self.directory, 'sitecustomize.py'), 'w') as file:
            file.write('print("theirs")\n')
        path = os.pathsep.join([self.directory, ROOT])
        code, out, err = self.run_command(sys.executable, '-c', 'import pyagent; print(pyagent.status()["mode"])', PYTHONPATH=path)
        self.assertEqual((code, err), (0, ''))
        self.assertIn('theirs', out)
        self.assertIn('monitor', out)

    def test_environment(self):
        """The command's PYTHONPATH begins with ours and keeps what was there."""
        path = run.environment({'PYTHONPATH': '/a'})['PYTHONPATH'].split(os.pathsep)
        self.assertTrue(path[0].endswith('bootstrap'))
        self.assertEqual(path[1:], ['/a'])

    def test_enable_and_disable(self):
        """enable() hooks, twice is once; disable() leaves every library as it was and says goodbye."""
        listener = Listener(self.directory)
        self.addCleanup(listener.hang_up)
        code, out, err = self.run_python('''
            import os, subprocess, sys
            before = os.system, vars(subprocess.Popen)['__init__'], open, len(sys.meta_path)
            import pyagent
            assert pyagent.status()['enabled'] is False
            pyagent.enable(); pyagent.enable()
            assert os.system is not before[0]
            states = dict((h['target'], h['state']) for h in pyagent.status()['hooks'])
            assert states['os.system'] == 'installed', states
            assert states['flask.app.Flask.__call__'] == 'pending', states
            pyagent.disable()
            assert (os.system, open, len(sys.meta_path)) == (before[0],) + before[2:]
            assert vars(subprocess.Popen)['__init__'] is before[1]
            print('fine')
        ''')
        self.assertEqual((code, out.strip(), err), (0, 'fine', ''))

    def test_off(self):
        """With mode off nothing is hooked."""
        code, out, _ = self.run_python(
            'import os, pyagent; a = os.system; pyagent.enable(); print(os.system is a, pyagent.status()["mode"])',
            COWITNESS_MODE='off',
        )
        self.assertEqual((code, 'True' in out, 'off' in out), (0, True, True))

    def test_served_by_wsgiref(self):
        """A plain WSGI app under wsgiref, started with the command and nothing else, is seen."""
        listener = Listener(self.directory)
        self.addCleanup(listener.hang_up)
        code, out, err = self.run_command(sys.executable, '-c', textwrap.dedent('''
            import threading
            from wsgiref.simple_server import WSGIRequestHandler, make_server
            try:
                from urllib.request import urlopen
            except ImportError:
                from urllib2 import urlopen
            class Quiet(WSGIRequestHandler):
                def log_message(self, *args): pass
            def app(environ, start_response):
                start_response('200 OK', [])
                return [b'fine']
            server = make_server('127.0.0.1', 0, app, handler_class=Quiet)
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            print(urlopen('http://127.0.0.1:%d/a?b=c' % server.server_port).read().decode())
            thread.join()
            server.server_close()
        '''))  # fmt: skip
        self.assertEqual((code, out.strip()), (0, 'fine'), err)
        self.assertTrue(wait_for(lambda: listener.records('request', phase='end', path='/a', query='b=c')))
