# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes for tests: its programs as processes of ours, in the namespaces that tests/e2e/isolate.sh makes."""
