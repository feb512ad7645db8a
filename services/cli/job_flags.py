"""The options of a command as the flags of the job that it runs."""


def as_flags(**options: object) -> list[str]:
    """Returns one flag for each option: `min_events=5` becomes `--min-events=5`, and True the name alone.

    Options that are None or False are left out: the job then takes its default.
    """
    flags = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            flags.append(flag)
        elif value is not None and value is not False:
            flags.append(f"{flag}={value}")
    return flags
