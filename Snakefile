# The workflow lies in workflow/; this file lets `snakemake` find it from the top of the checkout.
include: "workflow/Snakefile"


rule everything:
    """The default target is lost over an include, so it is stated again here."""
    default_target: True
    input:
        rules.all.input,
