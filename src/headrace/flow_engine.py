"""`python -m headrace.flow_engine`: execute the flow run that `HEADRACE__FLOW_RUN_ID` names, in this process."""

import sys


def main() -> int:
    """Execute the run; 0 if its end is recorded, whatever it is."""
    from headrace.sdk.execution.child import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
