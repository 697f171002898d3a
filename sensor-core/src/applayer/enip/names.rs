//! Names of CIP's numbers (volume 1, appendices A-3 and B-1, table 5-1.1).

pub(super) fn service(code: u8) -> Option<&'static str> {
    find(&SERVICES, code)
}

pub(super) fn status(code: u8) -> Option<&'static str> {
    find(&STATUS, code)
}

pub(super) fn class(number: u32) -> Option<&'static str> {
    find(&CLASSES, u16::try_from(number).ok()?)
}

fn find<T: Copy + PartialEq>(table: &[(T, &'static str)], number: T) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

const SERVICES: [(u8, &str); 24] = [
    (0x01, "get_attr_all"),
    (0x02, "set_attr_all"),
    (0x03, "get_attr_list"),
    (0x04, "set_attr_list"),
    (0x05, "reset"),
    (0x06, "start"),
    (0x07, "stop"),
    (0x08, "create"),
    (0x09, "delete"),
    (0x0a, "multiple_service"),
    (0x0d, "apply_attributes"),
    (0x0e, "get_attr_single"),
    (0x10, "set_attr_single"),
    (0x11, "find_next"),
    (0x15, "restore"),
    (0x16, "save"),
    (0x17, "no_op"),
    (0x18, "get_member"),
    (0x19, "set_member"),
    (0x4b, "kick_timer"),
    (0x4c, "read_data"),
    (0x4d, "write_data"),
    (0x4e, "forward_close"),
    (0x54, "forward_open"),
];

const STATUS: [(u8, &str); 34] = [
    (0x00, "success"),
    (0x01, "connection_failure"),
    (0x02, "resource_unavailable"),
    (0x03, "invalid_parameter_value"),
    (0x04, "path_segment_error"),
    (0x05, "path_destination_unknown"),
    (0x06, "partial_transfer"),
    (0x07, "connection_lost"),
    (0x08, "service_not_supported"),
    (0x09, "invalid_attribute_value"),
    (0x0a, "attribute_list_error"),
    (0x0b, "already_in_requested_mode"),
    (0x0c, "object_state_conflict"),
    (0x0d, "object_already_exists"),
    (0x0e, "attribute_not_settable"),
    (0x0f, "privilege_violation"),
    (0x10, "device_state_conflict"),
    (0x11, "reply_data_too_large"),
    (0x12, "fragmentation_of_primitive_value"),
    (0x13, "not_enough_data"),
    (0x14, "attribute_not_supported"),
    (0x15, "too_much_data"),
    (0x16, "object_does_not_exist"),
    (0x17, "service_fragmentation_not_in_progress"),
    (0x18, "no_stored_attribute_data"),
    (0x19, "store_operation_failure"),
    (0x1a, "routing_failure_request_too_large"),
    (0x1b, "routing_failure_response_too_large"),
    (0x1c, "missing_attribute_list_entry_data"),
    (0x1d, "invalid_attribute_value_list"),
    (0x1e, "embedded_service_error"),
    (0x1f, "vendor_specific_error"),
    (0x20, "invalid_parameter"),
    (0x26, "invalid_path_size"),
];

const CLASSES: [(u16, &str); 16] = [
    (0x01, "Identity"),
    (0x02, "Message Router"),
    (0x03, "DeviceNet"),
    (0x04, "Assembly"),
    (0x05, "Connection"),
    (0x06, "Connection Manager"),
    (0x07, "Register"),
    (0x08, "Discrete Input Point"),
    (0x09, "Discrete Output Point"),
    (0x0a, "Analog Input Point"),
    (0x0b, "Analog Output Point"),
    (0x0f, "Parameter"),
    (0x37, "File"),
    (0xf4, "Port"),
    (0xf5, "TCP/IP Interface"),
    (0xf6, "Ethernet Link"),
];
